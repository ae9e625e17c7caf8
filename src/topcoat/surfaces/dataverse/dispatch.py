"""From what a call is addressed to, to what answers it: a request alone, or a part of a batch."""

from typing import Final

from starlette.responses import Response

from topcoat.core import errors
from topcoat.surfaces.dataverse import metadata, resource, tables, writes
from topcoat.surfaces.dataverse.call import Call, tell_applied

READ_METHODS: Final = ("GET",)


async def answer(call: Call) -> Response:
    """Raise what is wrong with it."""
    response = await _answer(call)
    tell_applied(response, *call.preferences.applied)
    return response


async def _answer(call: Call) -> Response:
    segments = resource.parse_segments(call.path)
    if call.method not in READ_METHODS:
        return await writes.answer(call, segments)
    if metadata.is_about(segments):
        return metadata.answer(call, segments)
    table = call.tables.by_set.get(segments[0].name)
    if table is None:
        raise resource.not_found(segments[0].name)
    return await tables.read(call, table, segments)


def check_method(call: Call, allowed: str) -> None:
    if call.method not in allowed.split(", "):
        raise errors.MethodNotSupported(method=call.method, allowed=allowed)
