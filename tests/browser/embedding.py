"""A page of somebody else: served from an origin of its own, with a card on it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Help desk</title><link rel="icon" href="data:,"></head>
<body><h1>Help desk</h1>{body}</body></html>
"""


class Host(ThreadingHTTPServer):
    """Answers every address with the page that it has at the time."""

    daemon_threads = True
    page = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def show(self, body: str) -> str:
        """The address of a page with that body."""
        self.page = PAGE.format(body=body)
        return f"{self.origin}/"

    def show_card(self, service_url: str, **attributes: str) -> str:
        """Attributes are those of the element."""
        given = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
        script = f'<script type="module" src="{service_url}/card/customer-card.js"></script>'
        return self.show(f"{script}<customer-card {given}></customer-card>")


class _Handler(BaseHTTPRequestHandler):
    server: Host

    def do_GET(self) -> None:
        content = self.server.page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Not into the tests' output."""


@contextmanager
def host() -> Iterator[Host]:
    with Host() as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield serving
        finally:
            serving.shutdown()
            thread.join()
