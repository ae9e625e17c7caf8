"""The first page: the instances that the visitor may enter, and in emulator mode the clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from topcoat.core.roles import Role
from topcoat.flows.instances import Instance
from topcoat.flows.live_writes import LiveWrite
from topcoat.flows.service_clock import ClockReading
from topcoat.surfaces.access import Access
from topcoat.surfaces.pages.views import View

TEMPLATE: Final = "start.html"
LAPSES_LOOKED_AT: Final = 10


@dataclass(frozen=True, slots=True)
class NextLapse:
    instance: Instance
    write: LiveWrite


async def show_start(view: View) -> Response:
    return view.answer(TEMPLATE, await values(view))


async def values(view: View, reading: ClockReading | None = None) -> dict[str, Any]:
    """`reading` is what came of moving the clock, if somebody just has."""
    instances = await _list_instances(view)
    gauges = {gauge.instance: gauge for gauge in (await view.flows.usage.measure()).gauges}
    clock = None
    if view.pages.settings.is_emulator:
        clock = reading or await view.flows.service_clock.read()
    return {
        "instances": [(instance, gauges.get(instance.guid)) for instance in instances],
        "clock": clock,
        "next_lapse": None if clock is None else await _find_next_lapse(view, instances),
        "may_move": view.may(Role.ADMINISTRATOR),
        "back": "/",
    }


async def _list_instances(view: View) -> list[Instance]:
    access: Access = view.request.app.state.access
    _, instances = await access.list_entered(view.headers, view.flows.instances, view.flows.permissions)
    return instances


async def _find_next_lapse(view: View, instances: Sequence[Instance]) -> NextLapse | None:
    """Of the first few instances."""
    found = []
    for instance in instances[:LAPSES_LOOKED_AT]:
        page = await view.flows.live_writes.list_page(instance.guid, top=1)
        found += [NextLapse(instance, write) for write in page.writes]
    return min(found, key=lambda lapse: lapse.write.valid_until, default=None)
