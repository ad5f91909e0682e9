"""A server that answers as it is told, byte by byte, and notes what it was sent."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

CLOSE = b""
"""In place of an answer: the connection ends."""

Script = Callable[[int], Sequence[bytes]]
"""The pieces that answer the request with this number, counted from 0; after `CLOSE` the connection ends."""


def answer(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> bytes:
    lines = "".join(f"{line}\r\n" for line in (*headers, f"Content-Length: {len(body)}"))
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


def refusal(code: str, status: str = "400 Bad Request", message: str = "no") -> bytes:
    return answer(f'{{"__type": "com.amazonaws.dynamodb.v20120810#{code}", "message": "{message}"}}'.encode(), status)


class Server:
    """`requests` are those that came, whole; `connections` counts those that were made."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None, pause: float = 0) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._script, self._tls, self._pause = script, tls, pause
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port: int = self._listening.getsockname()[1]
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._open.append(connection)
                self.connections += 1
                self._threads.append(threading.Thread(target=self._serve, args=[connection], daemon=True))
                self._threads[-1].start()

    def _serve(self, raw: socket.socket) -> None:
        with suppress(OSError), raw, self._tls.wrap_socket(raw, server_side=True) if self._tls else raw as connection:
            while request := _request(connection):
                with self._lock:
                    self.requests.append(request)
                    pieces = self._script(len(self.requests) - 1)
                for piece in pieces:
                    if piece == CLOSE:
                        return
                    connection.sendall(piece)
                    time.sleep(self._pause)


@contextmanager
def serving(script: Script, tls: ssl.SSLContext | None = None, pause: float = 0) -> Iterator[Server]:
    server = Server(script, tls, pause)
    try:
        yield server
    finally:
        server.close()


def _request(connection: socket.socket) -> bytes:
    """Head and body; nothing where the caller has gone."""
    found = b""
    while b"\r\n\r\n" not in found:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        found += piece
    head, _, body = found.partition(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body
