"""The embedded AWS's own process: moto behind a server that keeps connections open.

Those that come with moto and with Python close a connection after each answer, and moto looks through all its services
at each request. Here a call takes a third of the time, and one that concerns a queue with messages a twentieth.
"""

import os
import sys
import threading
import time
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any, cast

from flask import Flask
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sqs import models as queues
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

_UNKNOWN = b'{"message": "This is for no service that the embedded AWS has"}'


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


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.app = _Dispatcher()
        self.table_turn = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a caller that hung up, as one does that was stopped; of anything else, what Python says."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the acknowledgement of its first piece
    wbufsize = 64 * 1024  # an answer is one piece, mostly

    def _answer(self) -> None:
        body = BytesIO(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        request = EnvironBuilder(self.path, method=self.command, headers=list(self.headers.items()), input_stream=body)
        server = cast(_Server, self.server)
        # In moto's tables, one write of an item can undo another one that is made at the same time.
        is_of_tables = self.headers.get("X-Amz-Target", "").startswith("DynamoDB")
        try:
            with server.table_turn if is_of_tables else nullcontext():
                pieces, status, headers = run_wsgi_app(server.app, request.get_environ(), buffered=True)
        except Exception:  # the outermost: so moto says that a request is for no service it knows
            pieces, status, headers = [_UNKNOWN], "501 Not Implemented", Headers({"Content-Type": "application/json"})
        answer = b"".join(pieces)
        self.send_response_only(*_code_and_reason(status))
        for name, value in headers:
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else answer)

    do_DELETE = do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = _answer  # noqa: N815 (so the base class calls them)

    def log_message(self, *_args: object) -> None:
        """Says nothing."""


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


def _code_and_reason(status: str) -> tuple[int, str]:
    code, _, reason = status.partition(" ")
    return int(code), reason


def _end_with_parent() -> None:
    """The parent's end of standard input closes when it ends, however it ends."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    os.environ["AWS_ACCOUNT_ID_ENDPOINT_MODE"] = "disabled"
    mend_queues()
    server = _Server(int(sys.argv[1]))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    server.serve_forever()
