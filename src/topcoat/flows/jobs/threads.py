"""Work that never waits for the service, and never has the service wait: an event loop in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def in_thread(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run it to its end elsewhere; a process that ends does not wait for it."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # there is one where there is no error

    def run() -> None:
        result, error = None, None
        try:
            result = asyncio.run(work())
        except BaseException as raised:  # the edge of the thread: it is raised where it is waited for
            error = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="job", daemon=True).start()
    return await future
