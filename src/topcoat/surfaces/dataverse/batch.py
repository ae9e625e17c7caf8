"""Several requests in one: `POST $batch`."""

from starlette.responses import Response

from topcoat.core import errors
from topcoat.surfaces.dataverse.call import Call


def is_batch(call: Call) -> bool:
    return call.path == "$batch"


async def answer(call: Call) -> Response:
    raise errors.NotSupported(what="$batch", hint="")
