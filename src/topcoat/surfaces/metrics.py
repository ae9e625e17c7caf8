"""The service's figures for Prometheus: of all workers, whichever of them is asked."""

from typing import Any, Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from topcoat.core import errors
from topcoat.flows import Flows
from topcoat.surfaces import answers

_DESCRIBED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Text for Prometheus.", "content": {answers.TEXT: {"schema": {"type": "string"}}}},
    503: answers.described(503, "The database does not answer."),
}


def add_metrics(app: FastAPI) -> None:
    app.add_api_route(
        "/metrics",
        _answer_metrics,
        operation_id="Metrics",
        summary="The service's counters and gauges, for Prometheus",
        tags=["Operations"],
        response_model=None,
        response_class=Response,
        responses=_DESCRIBED,
    )


async def _answer_metrics(request: Request) -> Response:
    from topcoat.surfaces import exposition  # noqa: PLC0415 - heavy, and not asked for everywhere

    flows: Flows = request.app.state.flows
    try:
        figures = await flows.usage.measure()
    except errors.Unavailable as error:
        return answers.flat_problem(503, error, {"Retry-After": str(error.retry_after_seconds)})
    return Response(exposition.exposed(figures), media_type=exposition.CONTENT_TYPE)
