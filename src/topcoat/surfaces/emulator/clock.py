"""The service clock under the hand of a test: read, freeze, set, advance, resume (S4)."""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from topcoat.core import catalog, errors
from topcoat.flows import Flows
from topcoat.flows.service_clock import ClockReading, Passed, ServiceClockControl
from topcoat.surfaces import access, answers, bodies, permissions
from topcoat.surfaces.access import Access
from topcoat.surfaces.emulator import problems

PATH: Final = "/_topcoat/clock"
_READ: Final = "Read the service clock"
_MOVE: Final = "Freeze, set, advance or resume the service clock"
_EXPECTED: Final = (
    'The body must have exactly one of "freeze": true, "set": an instant such as "2026-12-24T18:00:00Z", '
    '"advance": an ISO 8601 duration such as "PT4H", "resume": true'
)
_BODY: Final = {
    "required": True,
    "content": {
        answers.JSON: {
            "schema": {
                "type": "object",
                "properties": {
                    "freeze": {"const": True},
                    "set": {"type": "string", "format": "date-time"},
                    "advance": {"type": "string", "format": "duration"},
                    "resume": {"const": True},
                },
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": False,
            }
        }
    },
}
_DURATION: Final = re.compile(
    r"P(?:(?P<weeks>\d+)W|(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:[.,]\d{1,6})?)S)?)?)",
    re.ASCII,
)

Endpoint = Callable[[Request, ServiceClockControl], Awaitable[ClockReading]]


def add_clock(app: FastAPI, access_: Access) -> None:
    described: dict[str, Any] = {"tags": ["Emulator"], "response_model": None, "responses": problems.DESCRIBED}
    read, move = _permitted("Read-clock", _read, access_), _permitted("Move-clock", _move, access_)
    app.add_api_route(PATH, read, methods=["GET"], operation_id="Read-clock", summary=_READ, **described)
    described["openapi_extra"] = {"requestBody": _BODY}
    app.add_api_route(PATH, move, methods=["POST"], operation_id="Move-clock", summary=_MOVE, **described)


def _permitted(operation: str, answer: Endpoint, access_: Access) -> Callable[[Request], Awaitable[Response]]:
    """By token alone; the clock belongs to no instance."""
    needed = permissions.needed_role(operation)

    async def endpoint(request: Request) -> Response:
        flows: Flows = request.app.state.flows
        try:
            access.check_role(await access_.authenticate(request.headers, flows.permissions), needed)
            answers.check_accepts_json(request.headers)
            return answers.json_answer(_shown(await answer(request, flows.service_clock)))
        except errors.TopcoatError as error:
            return problems.problem(error)

    return endpoint


async def _read(_: Request, clock: ServiceClockControl) -> ClockReading:
    return await clock.read()


async def _move(request: Request, clock: ServiceClockControl) -> ClockReading:
    body = await bodies.read_object(request)
    if len(body) != 1:
        raise _refused(f"it has {', '.join(map(catalog.shown, body)) or 'nothing'}")
    match body:
        case {"freeze": True}:
            return await clock.freeze()
        case {"resume": True}:
            return await clock.resume()
        case {"set": str(text)}:
            return await clock.set(_instant(text))
        case {"advance": str(text)}:
            return await clock.advance(_duration(text))
        case _:
            ((name, value),) = body.items()
            raise _refused(f"{catalog.shown(name)} is {catalog.described(value)}")


def _instant(text: str) -> datetime:
    try:
        return catalog.parse_instant(text)
    except ValueError:
        raise _refused(f"set is '{catalog.shown(text)}'") from None


def _duration(text: str) -> timedelta:
    """Weeks, or days and a time; years and months have no fixed length."""
    found = _DURATION.fullmatch(text)
    parts = {} if found is None else {name: part for name, part in found.groupdict().items() if part is not None}
    if not parts:
        raise _refused(f"advance is '{catalog.shown(text)}'")
    try:
        return timedelta(**{name: _number(part) for name, part in parts.items()})
    except (OverflowError, ValueError):
        raise _refused(f"advance is '{catalog.shown(text)}', which is too long") from None


def _number(text: str) -> float:
    return float(text.replace(",", ".")) if "." in text or "," in text else int(text)


def _refused(found: str) -> errors.ClockRequestInvalid:
    return errors.ClockRequestInvalid(reason=f"{_EXPECTED}; {found}.")


def _shown(reading: ClockReading) -> Mapping[str, Any]:
    answer: dict[str, Any] = {"now": catalog.format_instant(reading.now), "frozen": reading.is_frozen}
    return answer if reading.passed is None else answer | _passed(reading.passed)


def _passed(passed: Passed) -> dict[str, Any]:
    return {
        "lapsed": {
            "total": passed.lapsed_total,
            "changes": [
                {
                    "kind": "change" if write.activity_id is None else "activity",
                    "instance": write.instance,
                    "customerId": write.customer_id,
                    "sequence": write.sequence,
                    "activityId": write.activity_id,
                    "validUntil": catalog.format_instant(write.valid_until),
                }
                for write in passed.lapsed
            ],
        },
        "jobs": {
            "total": passed.jobs_total,
            "runs": [
                {
                    "instance": job.instance,
                    "jobId": job.job_id,
                    "scheduleId": job.schedule_id,
                    "operationType": job.operation_type,
                    "dueAt": None if job.due_at is None else catalog.format_instant(job.due_at),
                    "jobStatus": job.status.value,
                }
                for job in passed.jobs
            ],
        },
    }
