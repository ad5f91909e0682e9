"""The embedded AWS's own process: moto behind a server that keeps connections open.

Those that come with moto and with Python close a connection after each answer, and moto looks through all its services
at each request. Here a call takes a third of the time, one of DynamoDB's items a tenth, and one that concerns a queue
with messages a twentieth.
"""

import gc
import json
import os
import re
import sys
import threading
import time
from contextlib import nullcontext
from http import HTTPStatus
from io import BytesIO
from socketserver import StreamRequestHandler, ThreadingTCPServer
from types import ModuleType
from typing import Any, cast

from flask import Flask
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.responses import DynamoHandler
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sqs import models as queues
from werkzeug.routing import Rule
from werkzeug.test import EnvironBuilder, run_wsgi_app

_UNKNOWN = b'{"message": "This is for no service that the embedded AWS has"}'
_TABLES = "DynamoDB_20120810."
_SCOPE = re.compile(r"Credential=([^,]*)")
_OPERATIONS = {
    name: re.sub("(?<!^)([A-Z])", r"_\1", name).lower()
    for name in ("GetItem", "BatchGetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem")
}
"""What is done with items, by moto's names."""

Headers = list[tuple[str, str]]


class _Dispatcher(DomainDispatcherApplication):
    """Knows a service by what its requests are signed for and name as their target, once moto has found it.

    Requests without a target are told apart by their paths as well, and moto looks at each.
    """

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._known: dict[tuple[str, str], Flask] = {}

    def get_application(self, environ: dict[str, Any]) -> Flask:
        scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].partition(",")[0]
        target = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")[0]
        app = self._known.get((scope, target)) or super().get_application(environ)
        if scope and target:
            self._known[scope, target] = app
        return app


class Server(ThreadingTCPServer):
    """AWS on this port of the loopback interface; 0 is any that is free."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.app = _Dispatcher()
        self.table_turn = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a caller that hung up, as one does that was stopped; of anything else, what Python says."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(StreamRequestHandler):
    """One connection: an answer to each request, in one piece, until the caller closes it."""

    disable_nagle_algorithm = True  # else each answer waits 40 ms for the acknowledgement of its first piece
    wbufsize = -1

    def handle(self) -> None:
        while (first := self.rfile.readline()).strip():
            method, path, _ = first.decode("latin-1").split(" ", 2)
            headers: Headers = []
            while line := self.rfile.readline().decode("latin-1").rstrip("\r\n"):
                name, _, value = line.partition(":")
                headers.append((name, value.strip()))
            known = {name.lower(): value for name, value in headers}
            body = self.rfile.read(int(known.get("content-length", 0)))
            status, given, answer = self._answer(method, path, headers, known, body)
            given = [one for one in given if one[0].lower() != "content-length"]
            lines = "".join(f"{name}: {value}\r\n" for name, value in [*given, ("Content-Length", str(len(answer)))])
            self.wfile.write(f"HTTP/1.1 {status}\r\n{lines}\r\n".encode("latin-1"))
            self.wfile.write(b"" if method == "HEAD" else answer)
            self.wfile.flush()
            if known.get("connection", "").lower() == "close":
                return

    def _answer(
        self, method: str, path: str, headers: Headers, known: dict[str, str], body: bytes
    ) -> tuple[str, Headers, bytes]:
        server = cast(Server, self.server)
        target = known.get("x-amz-target", "")
        # In moto's tables, one write of an item can undo another one that is made at the same time.
        with server.table_turn if target.startswith(_TABLES) else nullcontext():
            operation = _OPERATIONS.get(target.removeprefix(_TABLES))
            if operation is not None and (answer := _of_items(operation, known.get("authorization", ""), body)):
                return "200 OK", [("Content-Type", "application/x-amz-json-1.0")], answer
            builder = EnvironBuilder(path, method=method, headers=headers, input_stream=BytesIO(body))
            try:
                pieces, status, given = run_wsgi_app(server.app, builder.get_environ(), buffered=True)
            except Exception:  # the outermost: so moto says that a request is for no service it knows
                return f"501 {HTTPStatus.NOT_IMPLEMENTED.phrase}", [("Content-Type", "application/json")], _UNKNOWN
            return status, list(given), b"".join(pieces)


def _of_items(operation: str, authorization: str, body: bytes) -> bytes | None:
    """What moto answers, without its way there, which takes ten times as long. None where that has to be gone: by what
    is refused, for the words, and by binary values, which moto keeps in another form than they are sent in.
    """
    scope = _SCOPE.search(authorization)
    if scope is None or b'"B"' in body or b'"BS"' in body:
        return None
    handler: Any = DynamoHandler()
    handler.current_account, handler.region = DEFAULT_ACCOUNT_ID, scope[1].split("/")[2]
    try:
        request = json.loads(body)
        wanted = _projection(request) if operation == "get_item" else None
        handler.body = handler.params = request
        found = getattr(handler, operation)().result
        if wanted is not None and "Item" in found:
            found["Item"] = {name: found["Item"][name] for name in wanted if name in found["Item"]}
        return json.dumps(found).encode()
    except Exception:  # the outermost: whatever it is, moto says it
        return None


def _projection(request: dict[str, Any]) -> list[str] | None:
    """The attributes that are asked for, taken out of the request: moto copies the whole item several times for them.
    None where they are not all named by themselves, and stay in it.
    """
    named = [part.strip() for part in request.get("ProjectionExpression", "").split(",")]
    names = request.get("ExpressionAttributeNames", {})
    if set(named) != set(names):
        return None
    del request["ProjectionExpression"], request["ExpressionAttributeNames"]
    return [names[one] for one in named]


def mend_queues() -> None:
    """Has moto ask for the time in one step, and look up how long messages are kept without counting them all: it does
    both several times for each message. And it sends, receives and deletes one after the other: what was sent while
    another message was deleted was lost, and of two that were deleted in the same moment one came back.
    """
    moto: Any = queues
    moto.unix_time = time.time
    moto.unix_time_millis = lambda: time.time() * 1000
    moto.SQSBackend.is_message_valid_based_on_retention_period = _is_kept
    delete, receive = moto.Queue.delete_message, moto.SQSBackend.receive_message

    def delete_alone(queue: Any, receipt_handle: str) -> None:
        with queue._messages_lock:  # noqa: SLF001 (that of whoever sends)
            delete(queue, receipt_handle)

    def receive_alone(backend: Any, queue_name: str, *arguments: Any, **options: Any) -> Any:
        with backend.get_queue(queue_name)._messages_lock:  # noqa: SLF001 (others have it while this one waits)
            return receive(backend, queue_name, *arguments, **options)

    moto.Queue.delete_message, moto.SQSBackend.receive_message = delete_alone, receive_alone


def _is_kept(backend: Any, queue_name: str, message: Any) -> bool:
    kept: float = backend.get_queue(queue_name).message_retention_period
    return bool(message.sent_timestamp / 1000 + kept > time.time())


def leave_out() -> None:
    """Has moto do without what takes a third of a second of each start: the validator of OpenAPI documents that its API
    Gateway brings, for nobody imports an API here, and who tries is told that there is no such thing; and code that
    makes addresses of each of its routes, which nobody asks for.
    """
    whole, part, errors = (
        ModuleType(f"openapi_spec_validator{name}") for name in ("", ".validation", ".validation.exceptions")
    )
    vars(whole)["validate"] = _refuse
    vars(errors)["OpenAPIValidationError"] = ValueError
    sys.modules |= {module.__name__: module for module in (whole, part, errors)}
    cast(Any, Rule)._compile_builder = lambda _rule, _append_unknown=True: _refuse  # noqa: SLF001 (made at once)


def _refuse(*_arguments: Any, **_options: Any) -> None:
    """The server tells whoever asked that there is no such thing."""
    raise LookupError("the embedded AWS does without it")


def _end_with_parent() -> None:
    """The parent's end of standard input closes when it ends, however it ends."""
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Serves on the port that is the program's last argument."""
    os.environ["AWS_ACCOUNT_ID_ENDPOINT_MODE"] = "disabled"
    mend_queues()
    leave_out()
    for service in ("dynamodb", "sqs", "apigateway"):
        get_backend(service)
    gc.freeze()  # what is loaded stays
    gc.enable()
    server = Server(int(sys.argv[-1]))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
