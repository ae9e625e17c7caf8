"""How many calls a caller may make: budgets that fill again as time goes by, in exact and in coarse slots."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Final, assert_never

from topcoat.core import errors

_NONE: Final = timedelta(0)
_RETRY_CONCURRENT_SECONDS: Final = 1


class Unit(enum.Enum):
    """The names are those of the RateLimit header fields; the second is ours."""

    CALLS = "requests"
    MILLISECONDS = "milliseconds"
    CONCURRENT_CALLS = "concurrent-requests"


@dataclass(frozen=True, slots=True)
class Policy:
    name: str
    unit: Unit
    quota: int


@dataclass(frozen=True, slots=True)
class Limit:
    """Policies over one window. What happened within a slot counts until the whole slot has left the window; without
    slots every call is counted by its instant, which is for small quotas."""

    policies: tuple[Policy, ...]
    window: timedelta
    slot: timedelta = _NONE


class LimitName(enum.Enum):
    CONNECTOR = "connector"
    DATAVERSE = "dataverse"


LIMITS: Final[Mapping[LimitName, Limit]] = {
    LimitName.CONNECTOR: Limit((Policy("connector", Unit.CALLS, 100),), timedelta(seconds=60)),
    LimitName.DATAVERSE: Limit(
        (
            Policy("dataverse-requests", Unit.CALLS, 6_000),
            Policy("dataverse-time", Unit.MILLISECONDS, 20 * 60 * 1_000),
            Policy("dataverse-concurrency", Unit.CONCURRENT_CALLS, 52),
        ),
        timedelta(minutes=5),
        slot=timedelta(seconds=5),
    ),
}


@dataclass(frozen=True, slots=True)
class Slot:
    """What happened from `start` on; its calls began in it, its milliseconds were spent by calls that ended in it."""

    start: datetime
    calls: int = 0
    milliseconds: int = 0


@dataclass(frozen=True, slots=True)
class Running:
    """Calls of one worker; a worker that is not heard of until an instant is taken for dead."""

    calls: int
    heard_until: datetime


@dataclass(frozen=True, slots=True)
class Ledger:
    """Of one caller under one limit: slots in their order, and what runs in each worker."""

    slots: tuple[Slot, ...] = ()
    running: Mapping[str, Running] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of a policy, and how long until there is more; None where nobody can know."""

    policy: Policy
    window: timedelta
    left: int
    seconds_until_more: int | None


def parse_limits(text: str | None) -> frozenset[LimitName]:
    """Names with commas between them; raise `ParameterInvalid`."""
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    try:
        return frozenset(map(LimitName, names))
    except ValueError:
        expected = " or ".join(name.value for name in LimitName) + ", or both with a comma between them"
        raise errors.ParameterInvalid(parameter="--limits", found=f"'{text}'", expected=expected) from None


def begin_call(ledger: Ledger, limit: Limit, *, worker: str, now: datetime) -> Ledger:
    """Count a call that begins; raise `LimitExceeded` where a policy's quota is used up."""
    ledger = _without_past(ledger, limit, now)
    for policy in limit.policies:
        if _used(ledger, policy.unit) >= policy.quota:
            raise _exceeded(ledger, limit, policy, now)
    return _with_running(_with_spent(ledger, limit, now, calls=1), limit, worker, now, 1)


def end_call(ledger: Ledger, limit: Limit, *, worker: str, now: datetime, duration: timedelta) -> Ledger:
    """Count what it took."""
    ledger = _without_past(ledger, limit, now)
    spent = _with_spent(ledger, limit, now, milliseconds=duration // timedelta(milliseconds=1))
    return _with_running(spent, limit, worker, now, -1)


def list_standings(ledger: Ledger, limit: Limit, now: datetime) -> list[Standing]:
    ledger = _without_past(ledger, limit, now)
    return [
        Standing(
            policy,
            limit.window,
            max(0, policy.quota - _used(ledger, policy.unit)),
            None if policy.unit is Unit.CONCURRENT_CALLS else _seconds_until(ledger, limit, policy, now),
        )
        for policy in limit.policies
    ]


def settles(limit: Limit) -> bool:
    """Whether the end of a call matters to a limit."""
    return any(policy.unit is not Unit.CALLS for policy in limit.policies)


def _used(ledger: Ledger, unit: Unit) -> int:
    match unit:
        case Unit.CALLS:
            return sum(slot.calls for slot in ledger.slots)
        case Unit.MILLISECONDS:
            return sum(slot.milliseconds for slot in ledger.slots)
        case Unit.CONCURRENT_CALLS:
            return sum(running.calls for running in ledger.running.values())
        case _:
            assert_never(unit)


def _without_past(ledger: Ledger, limit: Limit, now: datetime) -> Ledger:
    return Ledger(
        tuple(slot for slot in ledger.slots if _leaves_at(slot, limit) > now),
        {worker: running for worker, running in ledger.running.items() if running.heard_until > now},
    )


def _leaves_at(slot: Slot, limit: Limit) -> datetime:
    return slot.start + limit.slot + limit.window


def _with_spent(ledger: Ledger, limit: Limit, now: datetime, *, calls: int = 0, milliseconds: int = 0) -> Ledger:
    start = now - (now - datetime.min.replace(tzinfo=now.tzinfo)) % limit.slot if limit.slot else now
    *before, last = ledger.slots or (Slot(start),)
    if last.start < start:
        before, last = [*before, last], Slot(start)
    last = replace(last, calls=last.calls + calls, milliseconds=last.milliseconds + milliseconds)
    return replace(ledger, slots=(*before, last))


def _with_running(ledger: Ledger, limit: Limit, worker: str, now: datetime, change: int) -> Ledger:
    """Of a worker that was taken for dead, no call is left to end."""
    if not settles(limit):
        return ledger
    known = ledger.running.get(worker)
    calls = max(0, (0 if known is None else known.calls) + change)
    others = {name: running for name, running in ledger.running.items() if name != worker}
    return replace(ledger, running=others | ({worker: Running(calls, now + limit.window)} if calls else {}))


def _exceeded(ledger: Ledger, limit: Limit, policy: Policy, now: datetime) -> errors.LimitExceeded:
    parts = {"quota": policy.quota, "window_seconds": int(limit.window.total_seconds())}
    match policy.unit:
        case Unit.CALLS:
            return errors.TooManyCalls(**parts, retry_after_seconds=_seconds_until(ledger, limit, policy, now))
        case Unit.MILLISECONDS:
            return errors.TooMuchExecutionTime(**parts, retry_after_seconds=_seconds_until(ledger, limit, policy, now))
        case Unit.CONCURRENT_CALLS:
            return errors.TooManyConcurrentCalls(**parts, retry_after_seconds=_RETRY_CONCURRENT_SECONDS)
        case _:
            assert_never(policy.unit)


def _seconds_until(ledger: Ledger, limit: Limit, policy: Policy, now: datetime) -> int:
    """Until something is left again, or more than now."""
    excess = max(0, _used(ledger, policy.unit) - policy.quota)
    for slot in _spending(ledger.slots, policy.unit):
        excess -= slot.calls if policy.unit is Unit.CALLS else slot.milliseconds
        if excess < 0:
            return ceil((_leaves_at(slot, limit) - now).total_seconds())
    return 0


def _spending(slots: Sequence[Slot], unit: Unit) -> list[Slot]:
    return [slot for slot in slots if (slot.calls if unit is Unit.CALLS else slot.milliseconds)]
