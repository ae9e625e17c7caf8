"""Moving the service clock by the buttons of the first page (S4)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from starlette.responses import Response

from topcoat.core import catalog, errors
from topcoat.flows.service_clock import ClockReading, ServiceClockControl
from topcoat.surfaces.console import start
from topcoat.surfaces.pages import forms
from topcoat.surfaces.pages.views import View

AMOUNT_MAX: Final = 1000
UNITS: Final = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1), "days": timedelta(days=1)}


async def move(view: View) -> Response:
    given = await forms.read_form(view.request)
    reading = await _moved(given, view.flows.service_clock)
    return view.answer(start.TEMPLATE, await start.values(view, reading))


async def _moved(given: Mapping[str, str], clock: ServiceClockControl) -> ClockReading:
    match given.get("move", ""):
        case "freeze":
            return await clock.freeze()
        case "resume":
            return await clock.resume()
        case "advance":
            return await clock.advance(_duration(given))
        case "set":
            return await clock.set(catalog.parse_instant(_instant(given)))
        case other:
            raise _refused("move", other, "freeze, resume, advance or set")


def _duration(given: Mapping[str, str]) -> timedelta:
    amount, unit = given.get("amount", ""), given.get("unit", "")
    if unit not in UNITS:
        raise _refused("unit", unit, " or ".join(UNITS))
    if not amount.isascii() or not amount.isdigit() or len(amount) > 4 or not 1 <= int(amount) <= AMOUNT_MAX:
        raise _refused("amount", amount, f"a whole number from 1 to {AMOUNT_MAX}")
    return int(amount) * UNITS[unit]


def _instant(given: Mapping[str, str]) -> str:
    text = given.get("instant", "")
    try:
        catalog.parse_instant(text)
    except ValueError:
        raise _refused("instant", text, "a date-time such as 2026-12-24T18:00:00Z") from None
    return text


def _refused(name: str, text: str, expected: str) -> errors.ParameterInvalid:
    return errors.ParameterInvalid(parameter=name, found=f"'{catalog.shown(text)}'", expected=expected)
