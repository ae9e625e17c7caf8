"""Calls of the application itself, with addresses that no HTTP library would send."""

from typing import Any

from fastapi import FastAPI
from starlette.types import Message

from tests.conftest import headers_of


async def get_bare(app: FastAPI, target: str) -> tuple[int, bytes]:
    """Status and body of a GET of this address, which goes out as it is."""
    path, _, query = target.encode("utf-8", "surrogateescape").partition(b"?")
    headers = [(name.lower().encode(), value.encode()) for name, value in headers_of("viewer").items()]
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path.decode("utf-8", "replace"),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])
