"""Writes: refused, unless the service takes them."""

from collections.abc import Sequence

from starlette.responses import Response

from topcoat.core import errors
from topcoat.surfaces.dataverse.call import Call
from topcoat.surfaces.dataverse.resource import Segment


async def answer(call: Call, segments: Sequence[Segment]) -> Response:
    raise errors.MethodNotSupported(method=call.method, allowed="GET")
