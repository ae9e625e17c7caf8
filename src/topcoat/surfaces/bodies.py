"""The JSON object that a caller sends: media types, size of nesting, and the double encoding of the vendor's client."""

from typing import Any, Final

import orjson
from starlette.requests import Request

from topcoat.core import catalog, errors
from topcoat.core.catalog import Document

NESTING_MAX: Final = 32
# The vendor's clients send plain objects under the name of JSON Patch.
MEDIA_TYPES: Final = frozenset({"application/json", "application/json-patch+json", "text/json"})


async def read_object(request: Request) -> Document:
    """Raise `ContentTypeNotSupported`, `BodyTooLarge` or `BodyUnreadable`."""
    check_content_type(request.headers.get("content-type"))
    return parse_object(await request.body())


async def find_object(request: Request) -> Document:
    """The same, where the body may be left out; empty then."""
    return await read_object(request) if (await request.body()).strip() else {}


async def read_objects(request: Request, *, limit: int) -> list[Document]:
    """The same, for an array of at most so many objects."""
    check_content_type(request.headers.get("content-type"))
    value = _parsed_twice(await request.body())
    if not isinstance(value, list) or len(value) > limit:
        found = f"an array of {len(value)}" if isinstance(value, list) else catalog.described(value)
        raise _not_objects(found, limit)
    _check_nesting(value)
    for place, item in enumerate(value):
        if not isinstance(item, dict):
            raise _not_objects(f"an array with {catalog.described(item)} at [{place}]", limit)
    return value


def check_content_type(content_type: str | None) -> None:
    """No content type at all passes for JSON."""
    if not content_type:
        return
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise errors.ContentTypeNotSupported(found=catalog.shown(content_type))


def parse_object(body: bytes) -> Document:
    """Read a JSON object, or one inside a JSON string: the vendor's client encodes twice."""
    value = _parsed_twice(body)
    if not isinstance(value, dict):
        raise errors.BodyUnreadable(found=catalog.described(value), hint="")
    _check_nesting(value)
    return value


def _not_objects(found: str, limit: int) -> errors.ParameterInvalid:
    return errors.ParameterInvalid(parameter="The body", found=found, expected=f"an array of at most {limit} objects")


def _parsed_twice(body: bytes) -> Any:
    if not body or body.isspace():
        raise errors.BodyUnreadable(found="empty", hint="")
    value = _parsed(body, "")
    return _parsed(value, " inside a JSON string") if isinstance(value, str) else value


def _parsed(text: bytes | str, where: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise errors.BodyUnreadable(found=_fault(text, error) + where, hint=_hint(text)) from None


def _fault(text: bytes | str, error: orjson.JSONDecodeError) -> str:
    if isinstance(text, bytes) and not _is_utf8(text):
        return "not valid UTF-8"
    if "depth" in error.msg or "memory" in error.msg:  # what orjson says beyond its own limit
        return f"nested deeper than {NESTING_MAX} levels"
    return f"not JSON ({error.msg}, line {error.lineno}, column {error.colno})"


def _hint(text: bytes | str) -> str:
    start = text[:2].decode("ascii", "replace") if isinstance(text, bytes) else text[:2]
    if start == "{'":
        return "; this looks like the text of a Python dict: send json.dumps(record)"
    return ""


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check_nesting(value: Document | list[Any]) -> None:
    level: list[Any] = [value]
    for _ in range(NESTING_MAX):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise errors.BodyUnreadable(found=f"nested deeper than {NESTING_MAX} levels", hint="")


def _children(parent: Any) -> list[Any]:
    values = parent.values() if isinstance(parent, dict) else parent
    return [value for value in values if isinstance(value, dict | list)]
