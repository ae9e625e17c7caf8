"""The stream that tells an open card to read again; it carries no data."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from starlette.responses import Response

from topcoat.core import errors
from topcoat.surfaces.customer_card.call import Call

PING_SECONDS: Final = 15.0
RETRY_MILLISECONDS: Final = 1000
CHANGED: Final = format_sse_event(event="changed", data_str="")
GONE: Final = format_sse_event(event="gone", data_str="")


async def follow_profile(call: Call) -> Response:
    """The stream begins when following has; raise `RecordNotFound`."""
    times = call.flows.watch.follow(call.instance, call.customer_id)
    await anext(times)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventSourceResponse(_events(times), headers=headers)


async def _events(times: AsyncGenerator[None, None]) -> AsyncIterator[bytes]:
    """A ping where nothing else is told for a while."""
    yield format_sse_event(event="changed", data_str="", retry=RETRY_MILLISECONDS)
    waiting: asyncio.Task[bool] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(_next(times))
            done, _ = await asyncio.wait([waiting], timeout=PING_SECONDS)
            if not done:
                yield KEEPALIVE_COMMENT
                continue
            finished, waiting = waiting, None
            if not finished.result():
                return
            yield CHANGED
    except errors.NotFound:
        yield GONE
    except errors.Unavailable:
        return  # whoever follows comes again
    finally:
        if waiting is not None:
            waiting.cancel()
            await asyncio.wait([waiting])
        await times.aclose()


async def _next(times: AsyncIterator[None]) -> bool:
    """False where the service stops."""
    async for _ in times:
        return True
    return False
