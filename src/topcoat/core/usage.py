"""What calls amount to: added up by kind, within bounds, for the usage of an instance and the service's counters."""

import enum
from bisect import bisect_left
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

BOUNDS_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
OTHER: Final = "(other)"
CALLERS_MAX: Final = 100
KINDS_MAX: Final = 5_000

CALLS: Final = "calls"
CALLS_WITHIN: Final = "calls_within"
MICROSECONDS: Final = "microseconds"
RECEIVED_BYTES: Final = "received_bytes"
SENT_BYTES: Final = "sent_bytes"
WRITES: Final = "writes"
BATCHES: Final = "batches"
REFRESHES: Final = "refreshes"
CONFIRMED_CHANGES: Final = "confirmed_changes"
LOST_UPDATES: Final = "lost_updates"


class Kind(NamedTuple):
    """Calls alike; a part that is not known, or that there is not, is empty."""

    instance: str
    operation: str
    table: str
    caller: str
    status: int
    error: str


class Dimension(enum.Enum):
    """What usage can be grouped by; the result is the status's first digit."""

    OPERATION = "operation"
    TABLE = "table"
    CALLER = "caller"
    STATUS = "status"
    RESULT = "result"
    ERROR = "error_code"
    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One group of calls; `parts` are its values in the order of the dimensions asked for."""

    parts: tuple[Any, ...]
    calls: int
    received_bytes: int
    sent_bytes: int
    microseconds: int


class Counted(NamedTuple):
    """What one of the service's counters counts; no label holds personal data."""

    name: str
    labels: tuple[str, ...] = ()


Counts = dict[Counted, int]


class Tally:
    """How many calls of a kind, of what size, and how long they took; `within` has one place for each bound and one
    for what took longer."""

    __slots__ = ("calls", "microseconds", "received_bytes", "sent_bytes", "within")

    def __init__(self) -> None:
        self.calls = self.received_bytes = self.sent_bytes = self.microseconds = 0
        self.within = [0] * (len(BOUNDS_SECONDS) + 1)

    def add(self, received_bytes: int, sent_bytes: int, seconds: float) -> None:
        self.calls += 1
        self.received_bytes += received_bytes
        self.sent_bytes += sent_bytes
        self.microseconds += int(seconds * 1_000_000)
        self.within[bisect_left(BOUNDS_SECONDS, seconds)] += 1

    def merge(self, other: "Tally") -> None:
        self.calls += other.calls
        self.received_bytes += other.received_bytes
        self.sent_bytes += other.sent_bytes
        self.microseconds += other.microseconds
        self.within = [ours + theirs for ours, theirs in zip(self.within, other.within, strict=True)]


Tallies = dict[Kind, Tally]


def tally_of(tallies: Tallies, kind: Kind) -> Tally:
    """Its own, or beyond `KINDS_MAX` that of all calls of the operation that ended alike."""
    tally = tallies.get(kind)
    if tally is not None:
        return tally
    if len(tallies) >= KINDS_MAX:
        kind = Kind("", kind.operation, "", "", kind.status, kind.error)
    return tallies.setdefault(kind, Tally())


def merge_tallies(tallies: Tallies, others: Mapping[Kind, Tally]) -> None:
    for kind, other in others.items():
        tally_of(tallies, kind).merge(other)


def cap_callers(tallies: Mapping[Kind, Tally], known: Mapping[str, Collection[str]]) -> Tallies:
    """Callers beyond `CALLERS_MAX` in an instance become `OTHER`; those known before come first."""
    kept = {instance: set(callers) for instance, callers in known.items()}
    capped: Tallies = {}
    for kind, tally in tallies.items():
        callers = kept.setdefault(kind.instance, set())
        if len(callers) < CALLERS_MAX:
            callers.add(kind.caller)
        name = kind.caller if kind.caller in callers else OTHER
        capped.setdefault(kind._replace(caller=name), Tally()).merge(tally)
    return capped


def counts_of(tallies: Mapping[Kind, Tally]) -> Counts:
    """The service's counters of calls, over all instances."""
    counts: Counts = {}
    for kind, tally in tallies.items():
        own = (kind.operation,)
        add_count(counts, Counted(CALLS, (kind.operation, str(kind.status), kind.error)), tally.calls)
        add_count(counts, Counted(RECEIVED_BYTES, own), tally.received_bytes)
        add_count(counts, Counted(SENT_BYTES, own), tally.sent_bytes)
        add_count(counts, Counted(MICROSECONDS, own), tally.microseconds)
        for place, number in enumerate(tally.within):
            add_count(counts, Counted(CALLS_WITHIN, (kind.operation, str(place))), number)
    return counts


def add_count(counts: Counts, counted: Counted, number: int) -> None:
    if number:
        counts[counted] = counts.get(counted, 0) + number
