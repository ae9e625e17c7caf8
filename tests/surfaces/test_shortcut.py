"""Quick routes are called directly, and everything else goes the whole way."""

from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from topcoat.surfaces.shortcut import Shortcut

CALL = {"type": "http", "method": "GET", "path": "/quick/one", "headers": []}


async def answer_quickly(request: Request) -> Response:
    return Response(f"quickly {request.path_params['name']}")


async def answer_slowly(scope: Scope, receive: Receive, send: Send) -> None:
    await Response("the whole way")(scope, receive, send)


async def ask(scope: dict[str, Any]) -> bytes:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    await Shortcut([APIRoute("/quick/{name}", answer_quickly, response_model=None)], answer_slowly)(
        scope, receive, send
    )
    return b"".join(message.get("body", b"") for message in sent)


async def test_a_quick_route_is_called_with_its_parameters() -> None:
    assert await ask(dict(CALL)) == b"quickly one"


@pytest.mark.parametrize(
    "other",
    [
        {"method": "POST"},
        {"path": "/quick/one/two"},
        {"path": "/slow"},
        {"root_path": "/behind"},
        {"fastapi.telemetry": object()},
    ],
)
async def test_what_is_not_quick_or_is_observed_goes_the_whole_way(other: dict[str, Any]) -> None:
    assert await ask(CALL | other) == b"the whole way"
