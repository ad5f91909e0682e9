"""HTTP/1.1 on the gateway's port."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_BODY = b'{"message": "Bad request"}'


class Protocol(HttpToolsProtocol):
    """Answers what is no HTTP request in JSON as well: in widget's dialect, because no path tells another's."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (the parser's words are for nobody)
        head = "HTTP/1.1 400 Bad Request", "Content-Type: application/json", f"Content-Length: {len(_BODY)}"
        self.transport.write("\r\n".join((*head, "Connection: close", "", "")).encode() + _BODY)
        self.transport.close()
