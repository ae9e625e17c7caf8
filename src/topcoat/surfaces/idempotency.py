"""The `Idempotency-Key` header of a write."""

import re
from typing import Any, Final

from starlette.requests import Request

from topcoat.core import catalog, errors
from topcoat.core.idempotency import RequestKey, request_key

HEADER: Final = "Idempotency-Key"
LENGTH_MAX: Final = 255
REPLAYED: Final = {"Idempotency-Replayed": "true"}
PARAMETER: Final[dict[str, Any]] = {
    "name": HEADER,
    "in": "header",
    "description": "The same request again under its key happens once, and is answered as the first time (extension).",
    "schema": {"type": "string", "minLength": 1, "maxLength": LENGTH_MAX, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}
_PRINTABLE: Final = re.compile(r"[ -~]+")


async def read_key(request: Request, principal: str) -> RequestKey | None:
    """The caller's key with what it stands for: method, address and body, as they were sent."""
    keys = request.headers.getlist(HEADER)
    if not keys:
        return None
    _check(keys)
    scope = request.scope
    sent = (scope["method"].encode(), scope["raw_path"], scope["query_string"], await request.body())
    return request_key(principal=principal, key=keys[0], request=sent)


def _check(keys: list[str]) -> None:
    if len(keys) > 1:
        found = f"given {len(keys)} times"
    elif len(keys[0]) > LENGTH_MAX:
        found = f"{len(keys[0])} characters long"
    elif not _PRINTABLE.fullmatch(keys[0]):
        found = f"'{catalog.shown(keys[0])}'"
    else:
        return
    expected = f"one key of 1 to {LENGTH_MAX} printable ASCII characters"
    raise errors.ParameterInvalid(parameter=HEADER, found=found, expected=expected)
