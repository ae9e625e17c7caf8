"""Core errors in Dataverse's envelope: `{"error": {"code": "0x…", "message": "…"}}`."""

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from topcoat.core import errors
from topcoat.surfaces import access
from topcoat.surfaces.dataverse.call import json_answer

_INVALID: Final = "0x80060888"
_PAYLOAD: Final = "0x80048d19"
_NO_RECORD: Final = "0x80040217"
_NO_SEGMENT: Final = "0x8006088a"
_NO_PRIVILEGE: Final = "0x80040220"
_NO_MEMBER: Final = "0x80072560"
_EXISTS: Final = "0x80060892"
_UNEXPECTED: Final = "0x80040216"


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` stands instead of the error's own, with its parts."""

    status: int
    code: str = _INVALID
    text: str | None = None


_ANSWERS: Final[dict[type[errors.TopcoatError], Answer]] = {
    errors.NotAuthenticated: Answer(401, "0x80072560"),
    errors.NoRole: Answer(403, _NO_MEMBER),
    errors.NotPermitted: Answer(403, _NO_PRIVILEGE),
    errors.WriteDenied: Answer(403, _NO_PRIVILEGE),
    errors.InstanceNotFound: Answer(404, _NO_MEMBER),
    errors.SegmentNotFound: Answer(404, _NO_SEGMENT),
    errors.AddressNotFound: Answer(404, ""),
    errors.FunctionNotFound: Answer(404, ""),
    errors.TableNotFound: Answer(404, _NO_SEGMENT),
    errors.RecordNotFound: Answer(404, _NO_RECORD, "{table} With Id = {record_id} Does Not Exist"),
    errors.InstantNotKept: Answer(404, _NO_RECORD),
    errors.MethodNotSupported: Answer(405),
    errors.MediaTypeNotAcceptable: Answer(406),
    errors.ActivityExists: Answer(412, _EXISTS, "A record with matching key values already exists."),
    errors.RecordExists: Answer(412, _EXISTS),
    errors.VersionMismatch: Answer(412, "0x80060882"),
    errors.AddressTooLong: Answer(414),
    errors.BodyTooLarge: Answer(413),
    errors.ContentTypeNotSupported: Answer(415, _PAYLOAD),
    errors.BodyUnreadable: Answer(400, _PAYLOAD),
    errors.BatchInvalid: Answer(400, _PAYLOAD),
    errors.NotSupported: Answer(501),
    errors.TooManyCalls: Answer(429, "0x80072322"),
    errors.TooMuchExecutionTime: Answer(429, "0x80072321"),
    errors.TooManyConcurrentCalls: Answer(429, "0x80072326"),
}


def problem(error: errors.TopcoatError) -> Response:
    """One of several targets is refused as it would be alone."""
    cause = error.parts["cause"] if isinstance(error, errors.TargetRefused) else error
    answer = _answer_of(cause)
    message = cause.message if answer.text is None else answer.text.format(**cause.parts)
    if cause is not error:
        message = error.text.format(**error.parts | {"cause": f"{message.rstrip('.')}."})
    return refusal(answer.status, answer.code, message, access.refusal_headers(cause))


def refusal(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    return json_answer({"error": {"code": code, "message": message}}, status, headers)


def unexpected_problem() -> Response:
    message = "Something unexpected went wrong in the service; its log has the details under this x-request-id."
    return refusal(500, _UNEXPECTED, message)


def _answer_of(error: errors.TopcoatError) -> Answer:
    """That of its class, else of what it is a kind of."""
    for kind in type(error).__mro__:
        if kind in _ANSWERS:
            return _ANSWERS[kind]
    return next(answer for kind, answer in _KINDS.items() if isinstance(error, kind))


_KINDS: Final[dict[type[errors.TopcoatError], Answer]] = {
    errors.NotFound: Answer(404, _NO_RECORD),
    errors.BadInput: Answer(400),
    errors.Conflict: Answer(409),
    errors.LimitExceeded: Answer(429),
    errors.Unavailable: Answer(503, _UNEXPECTED),
    errors.TopcoatError: Answer(400),
}
