"""Core errors as the emulator's own addresses tell them."""

from typing import Final

from starlette.responses import Response

from topcoat.core import errors
from topcoat.surfaces import access, answers

STATUSES: Final[dict[type[errors.TopcoatError], int]] = {
    errors.NotAuthenticated: 401,
    errors.NotPermitted: 403,
    errors.MediaTypeNotAcceptable: 406,
    errors.BodyTooLarge: 413,
    errors.ContentTypeNotSupported: 415,
    errors.BodyUnreadable: 400,
    errors.ClockRequestInvalid: 400,
    errors.Overloaded: 503,
    errors.StoreUnreachable: 503,
    errors.SchemaOutdated: 503,
}


def problem(error: errors.TopcoatError) -> Response:
    return answers.flat_problem(STATUSES[type(error)], error, _headers(error))


def _headers(error: errors.TopcoatError) -> dict[str, str]:
    match error:
        case errors.NotAuthenticated():
            return access.CHALLENGE
        case errors.Unavailable():
            return {"Retry-After": str(error.retry_after_seconds)}
        case _:
            return {}
