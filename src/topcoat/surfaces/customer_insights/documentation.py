"""What the OpenAPI document tells of an operation beyond what it says itself: what every caller may be refused."""

import re
from collections.abc import Iterator
from typing import Any, Final

from starlette.responses import JSONResponse, Response

from topcoat.surfaces import answers
from topcoat.surfaces.customer_insights import payloads
from topcoat.surfaces.customer_insights.operation import Operation, reference

Responses = dict[int | str, dict[str, Any]]

_DESCRIPTIONS: Final = {
    400: "The request is not valid.",
    401: "The caller is not known, or the subscription key does not open the instance.",
    403: "The caller has no role here, or one that may not do this.",
    404: "There is no such instance, or nothing of that name in it.",
    406: "Answers are JSON, which the Accept header rules out.",
    413: "The body is too large.",
    415: "Bodies of this type are not read.",
    429: "The caller's budget of calls is used up, where calls are limited.",
    503: "The service cannot answer right now.",
}


def success_of(operation: Operation) -> int:
    return min((code for code in operation.responses if isinstance(code, int) and code < 300), default=200)


def class_of(operation: Operation) -> type[Response]:
    """Which, to FastAPI, says whether a success has a body."""
    return JSONResponse if "model" in operation.responses.get(success_of(operation), {"model"}) else Response


def responses_of(operation: Operation) -> Responses:
    """Its own answers, and those that any operation like it may give."""
    model = payloads.ODataError if operation.is_data else payloads.ApiErrorResult
    refusals: Responses = {
        status: answers.described(status, _DESCRIPTIONS[status], reference(model)) for status in _refused(operation)
    }
    too_long: Responses = {414: answers.described(414, "The address is too long.")}
    return refusals | too_long | operation.responses


def extra_of(operation: Operation, shown_path: str) -> dict[str, Any]:
    """Parameters in the path and the rest of its own documentation."""
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", shown_path)
    ]
    parameters = [*in_path, *operation.documentation.get("parameters", ())]
    return {**operation.documentation, "parameters": parameters}


def _refused(operation: Operation) -> Iterator[int]:
    yield from (401, 403, 406, 429, 503)
    if operation.documentation:
        yield 400
    if any(operation.paths):
        yield 404
    if "requestBody" in operation.documentation:
        yield from (413, 415)
