"""Stands between the published client and the service, passes everything on and keeps what went by."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import urlsplit

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_OF_THE_CONNECTION: Final = {"connection", "transfer-encoding", "content-length", "date", "server"}


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request as it was sent, and its answer."""

    method: str
    target: str
    status: int
    answer: bytes


@dataclass(frozen=True, slots=True)
class Relay:
    url: str
    kept: list[Exchange] = field(default_factory=list)

    def take(self) -> list[Exchange]:
        """What went by since the last time."""
        taken = self.kept[:]
        self.kept.clear()
        return taken


@contextmanager
def open_relay(service_url: str) -> Iterator[Relay]:
    kept: list[Exchange] = []
    members = {f"do_{method}": _Handler.pass_on for method in _METHODS}
    handler = type("Handler", (_Handler,), members | {"service": urlsplit(service_url).netloc, "exchanges": kept})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listener:
        listener.daemon_threads = True
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield Relay(f"http://127.0.0.1:{listener.server_port}", kept)
        finally:
            listener.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    service: str
    exchanges: list[Exchange]

    def setup(self) -> None:
        super().setup()
        self.onward = http.client.HTTPConnection(self.service, timeout=60)

    def finish(self) -> None:
        self.onward.close()
        super().finish()

    def pass_on(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.onward.request(self.command, self.path, sent or None, dict(self.headers.items()))
        response = self.onward.getresponse()
        answer = response.read()
        self.exchanges.append(Exchange(self.command, self.path, response.status, answer))
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in _OF_THE_CONNECTION:
                self.send_header(name, value)
        if response.status != http.client.NO_CONTENT:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
