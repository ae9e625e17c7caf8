"""JSON answers, whether a caller takes JSON at all, and the flat error every surface can send."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response

from topcoat.core import catalog, errors

JSON: Final = "application/json"
TEXT: Final = "text/plain"
UNEXPECTED: Final = "UnexpectedError"
_TAG_BYTES: Final = 12
_HEADERS: Final = {
    401: {"WWW-Authenticate": "How to sign in."},
    429: {"Retry-After": "Seconds to wait before the next attempt."},
    503: {"Retry-After": "Seconds to wait before the next attempt."},
}
# Ready-made instead of a model: FastAPI would build a validator for each answer of each route.
FLAT_PROBLEM: Final = {
    "type": "object",
    "properties": {
        "errorCode": {"type": "string"},
        "message": {"type": "string"},
        "target": {"type": ["string", "null"]},
    },
    "required": ["errorCode", "message", "target"],
}


def json_answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, JSON)


def conditional_answer(
    headers: Headers, body: bytes, *, shown: bytes | None = None, media_type: str = JSON
) -> Response:
    """An answer with a weak ETag of what it shows, or 304 where the caller has just that.

    `shown` is the part of the body that counts, where the rest changes by itself.
    """
    tag = f'W/"{hashlib.blake2b(body if shown is None else shown, digest_size=_TAG_BYTES).hexdigest()}"'
    kept = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if has_tag(headers, tag):
        return Response(status_code=304, headers=kept)
    return Response(body, 200, kept, media_type)


def has_tag(headers: Headers, tag: str) -> bool:
    """Weak comparison (RFC 9110, 8.8.3.2): whether a tag is marked weak does not count."""
    conditions = headers.getlist("if-none-match")
    given = [given.strip().removeprefix("W/") for condition in conditions for given in condition.split(",")]
    return "*" in given or tag.removeprefix("W/") in given


def flat_problem(status: int, error: errors.TopcoatError, headers: Mapping[str, str] | None = None) -> Response:
    """The least that every client of ours understands: `errorCode` and `message` at the top level."""
    content = {"errorCode": error.code, "message": error.message, "target": error.target}
    return json_answer(content, status, headers)


def unexpected_problem() -> Response:
    """A defect of ours, told without details; the log has them under the same request id."""
    message = "Something unexpected went wrong in the service; its log has the details under this x-request-id."
    return json_answer({"errorCode": UNEXPECTED, "message": message, "target": None}, 500)


def check_accepts_json(headers: Headers) -> None:
    """Raise `MediaTypeNotAcceptable` where the Accept header rules JSON out."""
    accept = headers.get("accept")
    if accept is None or accept in (JSON, "*/*"):
        return
    accept = ",".join(headers.getlist("accept"))
    if accept.strip() and not _accepts_json(qualities(accept)):
        raise errors.MediaTypeNotAcceptable(accept=catalog.shown(accept))


# Most specific first: `application/json;q=0, */*` refuses JSON.
_RANGES: Final = (JSON, "application/*", "*/*")
_SYNONYM_RANGES: Final = ("text/json", "text/*")


def _accepts_json(wanted: Mapping[str, float]) -> bool:
    named = next((wanted[media] for media in _RANGES if media in wanted), None)
    if named:
        return True
    if JSON in wanted:
        return False
    return any(wanted.get(media, 0.0) > 0 for media in _SYNONYM_RANGES)


def qualities(accept: str) -> dict[str, float]:
    """How much a caller wants each of what a header such as `Accept` lists, in lower case."""
    found: dict[str, float] = {}
    for item in accept.split(","):
        media, *parameters = item.split(";")
        found[media.strip().lower()] = _quality(parameters)
    return found


def _quality(parameters: list[str]) -> float:
    """An unreadable weight counts as none given."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                break
    return 1.0


def described(status: int, description: str, schema: Mapping[str, Any] = FLAT_PROBLEM) -> dict[str, Any]:
    """A refusal in the OpenAPI document, with the headers that it has."""
    headers = {
        name: {"description": text, "required": True, "schema": {"type": "string"}}
        for name, text in _HEADERS.get(status, {}).items()
    }
    return {"description": description, "content": {JSON: {"schema": schema}}} | (
        {"headers": headers} if headers else {}
    )
