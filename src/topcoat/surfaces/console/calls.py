"""How an instance was called in the last hours: by operation, status and error."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from starlette.responses import Response

from topcoat.core import catalog, errors
from topcoat.core.usage import Dimension, UsageRow
from topcoat.surfaces.pages.views import View

TEMPLATE: Final = "calls.html"
HOURS: Final = (1, 6, 24, 168)
HOURS_DEFAULT: Final = 6
FAILED_FROM: Final = 400


@dataclass(frozen=True, slots=True)
class Calls:
    """Alike; `operation` is empty for addresses that lead nowhere, `mean_ms` the time that one took."""

    operation: str
    status: int
    error: str
    number: int
    mean_ms: float

    @property
    def is_failed(self) -> bool:
        return self.status >= FAILED_FROM


async def show_calls(view: View) -> Response:
    hours = _hours(dict(view.items).get("hours"))
    found = await list_calls(view, hours=hours)
    values = {
        "instance": await view.flows.instances.get_instance(view.instance),
        "hours": hours,
        "choices": HOURS,
        "failed": [call for call in found if call.is_failed],
        "answered": [call for call in found if not call.is_failed],
        "tab": "calls",
    }
    return view.answer(TEMPLATE, values)


async def list_calls(view: View, *, hours: int) -> list[Calls]:
    """The most frequent first; whole hours of the system clock, the present one included."""
    report = await view.flows.usage.report(
        view.instance,
        frame=timedelta(hours=hours),
        dimensions=(Dimension.OPERATION, Dimension.STATUS, Dimension.ERROR),
    )
    return [_calls(row) for row in report.rows]


def _calls(row: UsageRow) -> Calls:
    operation, status, error = row.parts
    return Calls(operation, status, error, row.calls, row.microseconds / row.calls / 1000)


def _hours(text: str | None) -> int:
    if text is None:
        return HOURS_DEFAULT
    if text not in map(str, HOURS):
        expected = " or ".join(map(str, HOURS))
        raise errors.ParameterInvalid(parameter="hours", found=f"'{catalog.shown(text)}'", expected=expected)
    return int(text)
