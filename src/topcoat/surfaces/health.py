"""Liveness and readiness, for whoever runs the service; nobody has to sign in."""

from typing import Any, Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from topcoat.flows import Flows
from topcoat.surfaces import answers

_NOT_READY: Final = {
    "description": "Not yet, or not at the moment.",
    "headers": {"Retry-After": {"description": "Seconds to wait.", "required": True, "schema": {"type": "string"}}},
}


def add_health(app: FastAPI) -> None:
    described: dict[str, Any] = {"tags": ["Operations"], "response_model": None}
    live, ready = "The process answers", "The database answers, and its schema fits"
    app.add_api_route("/health/live", _answer_live, operation_id="Health-live", summary=live, **described)
    described["responses"] = {503: _NOT_READY}
    app.add_api_route("/health/ready", _answer_ready, operation_id="Health-ready", summary=ready, **described)


async def _answer_live(_: Request) -> Response:
    return answers.json_answer({"status": "live"})


async def _answer_ready(request: Request) -> Response:
    flows: Flows = request.app.state.flows
    if await flows.instances.is_ready():
        return answers.json_answer({"status": "ready"})
    return answers.json_answer({"status": "not ready"}, 503, {"Retry-After": "1"})
