"""Core errors as the emulator's own addresses tell them."""

from typing import Any, Final

from starlette.responses import Response

from topcoat.core import errors
from topcoat.surfaces import access, answers

STATUSES: Final[dict[type[errors.TopcoatError], int]] = {
    errors.NotAuthenticated: 401,
    errors.NotPermitted: 403,
    errors.NoRole: 403,
    errors.AddressNotFound: 404,
    errors.MediaTypeNotAcceptable: 406,
    errors.BodyTooLarge: 413,
    errors.ContentTypeNotSupported: 415,
    errors.BodyUnreadable: 400,
    errors.ClockRequestInvalid: 400,
    errors.Overloaded: 503,
    errors.StoreUnreachable: 503,
    errors.SchemaOutdated: 503,
}
_DESCRIPTIONS: Final = {
    400: "The body is not one JSON object that the clock understands.",
    401: "The caller is not known.",
    403: "Only administrators see and move the clock.",
    406: "Answers are JSON, which the Accept header rules out.",
    413: "The body is too large.",
    414: "The address is too long.",
    415: "Bodies of this type are not read.",
    503: "The service cannot answer right now.",
}
DESCRIBED: Final[dict[int | str, dict[str, Any]]] = {
    status: answers.described(status, description) for status, description in _DESCRIPTIONS.items()
}


def problem(error: errors.TopcoatError) -> Response:
    return answers.flat_problem(STATUSES[type(error)], error, access.refusal_headers(error))
