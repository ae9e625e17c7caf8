"""Refusals of the emulator's tenant, in the shape of Microsoft Entra ID's."""

import re
import uuid
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from topcoat.core import errors
from topcoat.surfaces import answers

UNCACHED: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_EXPLAINED_AT: Final = "https://login.microsoftonline.com/error?code="
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CORRELATION: Final = ("client-request-id", "x-client-request-id")


def refusal(request: Request, error: errors.SignInRefused, now: datetime) -> Response:
    number, word = error.parts["fault"].value
    trace, correlation = str(uuid.uuid4()), _correlation(request)
    timestamp = f"{now:%Y-%m-%d %H:%M:%S}Z"
    content: dict[str, Any] = {
        "error": word,
        "error_description": (
            f"{error.message} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}"
        ),
        "error_codes": [number],
        "timestamp": timestamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"{_EXPLAINED_AT}{number}",
    }
    return answers.json_answer(content, 401 if word == "invalid_client" else 400, UNCACHED)


def _correlation(request: Request) -> str:
    """The caller's own, if it is one."""
    given = (request.headers.get(name, "") for name in _CORRELATION)
    return next((text for text in given if _GUID.fullmatch(text)), None) or str(uuid.uuid4())
