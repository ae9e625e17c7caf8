"""Instances small enough to be drawn whole: generations, changes, releases, activities; ids and instants meet often."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests import make
from tests.make import NOW
from topcoat.core import catalog
from topcoat.core.catalog import (
    CUSTOMER_MEASURE,
    UNIFIED_ACTIVITY_TABLE,
    Catalog,
    Column,
    ColumnType,
    Document,
    Table,
    TableKind,
)
from topcoat.core.overlay.override import Confirmation, Override, Release, View, Withdrawal
from topcoat.core.overlay.timeline import Activity

HORIZON = timedelta(days=7)
IDS = ("a", "B", "b_%", "é'x", "old", "gone")
SEGMENTS = ("Gold", "O'Brien 100%", "Empty")
CUSTOMERS = make.table(
    columns=(
        Column("CustomerId", is_key=True, is_mandatory=True),
        Column("Name"),
        Column("City"),
        Column("Points", ColumnType.INTEGER),
        Column("Spend", ColumnType.DECIMAL),
        Column("OptIn", ColumnType.BOOLEAN),
        Column("Born", ColumnType.DATE),
        Column("Since", ColumnType.DATE_TIME),
        Column("Seen", ColumnType.DATE_TIME),
    )
)
MEASURES = make.table(
    name=CUSTOMER_MEASURE,
    kind=TableKind.CUSTOMER_MEASURE,
    columns=(
        Column("CustomerId", is_key=True),
        Column("Spend", ColumnType.DECIMAL),
        Column("Visits", ColumnType.INTEGER),
        Column("Store"),
    ),
)
HIDDEN = make.source_table(name="Web_visits", activity=make.activity_configuration(is_shown=False))
CATALOG = Catalog((CUSTOMERS, UNIFIED_ACTIVITY_TABLE, MEASURES, HIDDEN))
FORMER_TYPES = {
    "Points": ColumnType.STRING,
    "Spend": ColumnType.INTEGER,
    "OptIn": ColumnType.STRING,
    "Born": ColumnType.STRING,
    "Seen": ColumnType.DATE,
}
FORMER_CATALOG = Catalog(
    (
        replace(CUSTOMERS, columns=tuple(replace(c, type=FORMER_TYPES.get(c.name, c.type)) for c in CUSTOMERS.columns)),
        *CATALOG.tables[1:],
    )
)
"""Before a refresh changed types: what was written then may not fit now, and the other way round."""

TEXTS: tuple[str, ...] = (
    "",
    "a",
    "Paris",
    "paris",
    "PARIS",
    " Paris ",
    "Pa%",
    "Pa_is",
    "a\\b",
    "O'Brien",
    'say "hi"',
    "Zürich",
    "ZÜRICH",
    "straße",
    "İstanbul",
    "Kelvin \u212a",
    "日本",
    "e\u0301",
    "é",
    "\ud7ff",
    "\U0001d538bc",
    "\U0010ffff",
)
INTEGERS = (0, 1, -1, 5, 120, 2**53, 2**53 + 1, 2**62, 4611686018427388000, 2**63 - 1, -(2**63))
DECIMALS = (0.0, -0.0, 0.1, 0.2, 0.30000000000000004, 5.0, 120.0, -1.5, 1e16, 2.0**53, 2.0**62, 1e22, 5e-324, 1.7e308)
DATES = ("0001-01-01", "1999-12-31", "2026-11-24", "2026-11-25", "9999-12-31")
INSTANTS = (
    "0001-01-01T00:00:00Z",
    "2026-11-24T00:00:00Z",
    "2026-11-24T12:00:00Z",
    "2026-11-24T12:00:00.000001Z",
    "2026-11-24T12:00:00.500000Z",
    "2026-11-24T12:00:01Z",
    "9999-12-31T23:59:59.999999Z",
)
COMMON: dict[ColumnType, st.SearchStrategy[Any]] = {
    ColumnType.STRING: st.sampled_from(("Paris", "paris", "Zürich")),
    ColumnType.INTEGER: st.sampled_from((0, 5)),
    ColumnType.DECIMAL: st.sampled_from((0.1, 5.0)),
    ColumnType.BOOLEAN: st.booleans(),
    ColumnType.DATE: st.sampled_from(DATES[2:4]),
    ColumnType.DATE_TIME: st.sampled_from(INSTANTS[1:3]),
}
"""Drawn as often as all others together, so that records and questions meet."""
_RARE: dict[ColumnType, st.SearchStrategy[Any]] = {
    ColumnType.STRING: st.sampled_from(TEXTS)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4),
    ColumnType.INTEGER: st.sampled_from(INTEGERS) | st.integers(-3, 3),
    ColumnType.DECIMAL: st.sampled_from(DECIMALS) | st.integers(-3, 3).map(float),
    ColumnType.BOOLEAN: st.booleans(),
    ColumnType.DATE: st.sampled_from(DATES),
    ColumnType.DATE_TIME: st.sampled_from(INSTANTS),
}
VALUES = {type_: COMMON[type_] | _RARE[type_] for type_ in ColumnType}
ODD_VALUES: tuple[Any, ...] = (
    *("Paris", "5", "true", "2024-02-29", "2100-02-29", "2026-02-30", "0000-01-01", "2026-11-24"),
    *("2026-11-24T12:00:00Z", "2026-11-24T12:00:00.000000Z", "2026-11-24T24:00:00Z", "2026-11-31T12:00:00Z"),
    *(5, 0, 2**53, 2**53 + 1, 2**62, -(2**63), True, False, 5.0, -0.0, 0.1, 1e16, 2.0**62, 1e22),
)
"""Each fits columns of one type, or of none."""

NUMBERS = (1, 3, 4)
"""Of the generations; that of 2 failed."""
ACTIVATED = tuple(NOW - timedelta(hours=hours) for hours in (30, 20, 10))
RECORDED = tuple(NOW - timedelta(hours=hours) for hours in (29, 19, 11, 9, 2, 1, 0))
ENDS = tuple(NOW + timedelta(hours=hours) for hours in (-15, -1, 0, 1, 5, *(24 * 20,) * 5))
INSTANTS_ASKED = (
    *(NOW + timedelta(hours=hours) for hours in (-25, -15, -9, -2, -1, 1, 3, 5, 24 * 29)),
    NOW + timedelta(microseconds=1),
)


@dataclass(frozen=True)
class Generation:
    """Everything that one refresh published; documents leave nulls and ids of customers out as the store does."""

    number: int
    activated_at: datetime
    closed_at: datetime | None
    profiles: Mapping[str, Document]
    aliases: Mapping[str, str]
    members: frozenset[tuple[str, str]]
    activities: Mapping[tuple[str, str], Document]
    measures: Mapping[str, Document]
    catalog: Catalog | None = None
    """None for that of the world."""

    def was_active(self, instant: datetime) -> bool:
        return self.activated_at <= instant and (self.closed_at is None or instant < self.closed_at)

    def survivor(self, customer_id: str) -> str:
        return self.aliases.get(customer_id, customer_id)

    def family(self, customer_id: str) -> set[str]:
        return {customer_id} | {alias for alias, survivor in self.aliases.items() if survivor == customer_id}


@dataclass(frozen=True)
class StoredRelease:
    customer_id: str
    recorded_at: datetime
    release: Release


@dataclass(frozen=True)
class World:
    """`voids` are the times in which a generation was active that was undone since."""

    generations: tuple[Generation, ...]
    overrides: tuple[Override, ...] = ()
    releases: tuple[StoredRelease, ...] = ()
    activities: tuple[Activity, ...] = ()
    last_sequence: int = 0
    now: datetime = NOW
    catalog: Catalog = CATALOG
    voids: tuple[tuple[datetime, datetime], ...] = ()

    def table(self, name: str, generation: Generation) -> Table:
        return (generation.catalog or self.catalog).get_table(name)

    def sees(self, as_of: datetime | None) -> bool:
        """Whether there is an answer: a generation that was active then and is kept."""
        if as_of is None or as_of >= self.now:
            return True
        is_void = any(start <= as_of < end for start, end in self.voids)
        return not is_void and as_of >= self.now - HORIZON and any(g.was_active(as_of) for g in self.generations)

    def view(self, as_of: datetime | None) -> tuple[Generation, View]:
        """What a read looks at (S28)."""
        active = self.generations[-1]
        if as_of is None or as_of >= self.now:
            return active, View(active.number, self.last_sequence, as_of or self.now)
        (then,) = [generation for generation in self.generations if generation.was_active(as_of)]
        return then, View(then.number, self.last_sequence, as_of, recorded_until=as_of)


def documents(table: Table, *, has_nulls: bool = False) -> st.SearchStrategy[Document]:
    """Values for some columns; explicit nulls are what changes may bring."""
    nothing = st.none() if has_nulls else st.nothing()
    columns = {c.name: nothing | VALUES[c.type] for c in table.columns if not c.is_key and not c.is_mandatory}
    return st.fixed_dictionaries({}, optional=columns)


_names = st.sampled_from([column.name for column in CUSTOMERS.columns[1:]])
changed_columns = st.one_of(
    *(documents(CUSTOMERS, has_nulls=True).filter(bool),) * 4,
    st.dictionaries(_names, st.sampled_from(ODD_VALUES), min_size=1),
    st.just({"GoneColumn": "no longer there"}),
)

activity_documents = st.builds(
    lambda document, at, type_: document | {"ActivityTime": at, "ActivityType": type_},
    st.fixed_dictionaries(
        {},
        optional={
            "Title": VALUES[ColumnType.STRING],
            "ActivityTypeDisplay": st.sampled_from(["Note", "Call"]),
            "EntityName": st.sampled_from(["Shop_sales", HIDDEN.name]),
        },
    ),
    st.sampled_from(INSTANTS),
    st.sampled_from(["Note", "Call"]),
)
activity_ids = st.sampled_from(["t1", "t2", "T_%", "é"])


@dataclass(frozen=True)
class Refresh:
    """What a refresh brings, before it is known which of the ids there are."""

    profiles: Mapping[str, Document]
    gone: set[str]
    aliases: Mapping[str, str]
    members: set[tuple[str, str]]
    activities: Mapping[tuple[str, str], Document]
    measures: Mapping[str, Document]


_ids = st.sampled_from(IDS)
_usual_ids = st.sampled_from((*IDS[:4], *IDS[:4], *IDS))
"""Of profiles; the others are aliases, as a rule."""
refreshes = st.builds(
    Refresh,
    profiles=st.dictionaries(_usual_ids, documents(CUSTOMERS), min_size=1, max_size=5),
    gone=st.sets(_ids, max_size=2),
    aliases=st.dictionaries(st.sampled_from((*IDS[4:], *IDS)), _usual_ids, min_size=1, max_size=4),
    members=st.sets(st.tuples(st.sampled_from(SEGMENTS[:2]), _ids), max_size=6),
    activities=st.dictionaries(st.tuples(activity_ids, _ids), activity_documents, max_size=5),
    measures=st.dictionaries(_ids, documents(MEASURES), max_size=4),
)


def brought_generation(
    brought: Refresh, before: Mapping[str, Document], *, number: int, activated_at: datetime, closed_at: datetime | None
) -> Generation:
    """Its profiles beside those of the one before; what names no profile is left out."""
    profiles = {i: document for i, document in before.items() if i not in brought.gone} | dict(brought.profiles)
    return Generation(
        number=number,
        activated_at=activated_at,
        closed_at=closed_at,
        profiles=profiles,
        aliases={a: i for a, i in brought.aliases.items() if a not in profiles and i in profiles},
        members=frozenset((s, i) for s, i in brought.members if i in profiles),
        activities={key: document for key, document in brought.activities.items() if key[1] in profiles},
        measures={i: document for i, document in brought.measures.items() if i in profiles},
    )


def _generations(several: list[Refresh], *, is_retyped: bool) -> tuple[Generation, ...]:
    """`is_retyped`: the first of them is of another catalog."""
    generations: list[Generation] = []
    for place, brought in enumerate(several, start=len(NUMBERS) - len(several)):
        before = generations[-1].profiles if generations else {}
        closed_at = None if place == len(NUMBERS) - 1 else ACTIVATED[place + 1]
        generations.append(
            brought_generation(
                brought, before, number=NUMBERS[place], activated_at=ACTIVATED[place], closed_at=closed_at
            )
        )
    if is_retyped and len(generations) > 1:
        generations[0] = _former(generations[0])
    return tuple(generations)


def _former(generation: Generation) -> Generation:
    profiles = {i: _as_formerly(document) for i, document in generation.profiles.items()}
    return replace(generation, profiles=profiles, catalog=FORMER_CATALOG)


def _as_formerly(document: Document) -> Document:
    changed = {
        "Points": str,
        "Spend": lambda number: int(number) if abs(number) < 2**53 else 0,
        "OptIn": str,
        "Seen": lambda instant: instant[:10],
    }
    return {name: changed[name](value) if name in changed else value for name, value in document.items()}


@dataclass(frozen=True)
class _Event:
    """A write before it has its sequence; `other` picks the change that a release is about."""

    kind: str
    customer_id: str
    recorded_at: datetime
    valid_until: datetime
    other: int
    columns: Document
    column: str
    generation: int
    activity_id: str
    document: Document


_events = st.builds(
    _Event,
    kind=st.sampled_from((*("override",) * 4, "withdrawal", *("confirmation",) * 2, *("activity",) * 3)),
    customer_id=st.sampled_from((*IDS[4:], *IDS)),
    recorded_at=st.sampled_from(RECORDED),
    valid_until=st.sampled_from(ENDS),
    other=st.integers(0, 4),
    columns=changed_columns,
    column=_names,
    generation=st.sampled_from((*NUMBERS, 5)),
    activity_id=activity_ids,
    document=activity_documents,
)


def worlds() -> st.SearchStrategy[World]:
    brought = st.lists(refreshes, min_size=1, max_size=len(NUMBERS))
    generations = st.builds(_generations, brought, is_retyped=st.booleans())
    return st.builds(_with_writes, generations, st.lists(_events, min_size=2, max_size=16))


def _with_writes(generations: tuple[Generation, ...], events: list[_Event]) -> World:
    """Sequences are given in the order of time (S6)."""
    overrides: list[Override] = []
    releases: list[StoredRelease] = []
    activities: list[Activity] = []
    ordered = sorted(events, key=lambda event: event.recorded_at)
    for sequence, event in enumerate(ordered, start=1):
        changed = overrides[event.other % len(overrides)] if overrides else None
        match event.kind:
            case "override":
                overrides.append(_override(event, sequence))
            case "activity":
                activities.append(_activity(event, sequence))
            case "withdrawal" if changed is not None:
                release: Release = Withdrawal(sequence, changed.sequence)
                releases.append(StoredRelease(changed.customer_id, event.recorded_at, release))
            case "confirmation" if changed is not None:
                column = next(iter(changed.columns), event.column) if event.other else event.column
                release = Confirmation(sequence, column, changed.sequence, event.generation)
                confirmed_id = changed.customer_id if event.other else event.customer_id
                releases.append(StoredRelease(confirmed_id, event.recorded_at, release))
            case _:
                pass
    return World(generations, tuple(overrides), tuple(releases), tuple(activities), last_sequence=len(ordered))


def _override(event: _Event, sequence: int) -> Override:
    return Override(
        sequence=sequence,
        customer_id=event.customer_id,
        columns=event.columns,
        recorded_at=event.recorded_at,
        valid_until=event.valid_until,
        caller="tests",
        principal="tests",
    )


def _activity(event: _Event, sequence: int) -> Activity:
    return activity_of(
        event.activity_id,
        event.customer_id,
        event.document,
        sequence=sequence,
        valid_until=event.valid_until,
        recorded_at=event.recorded_at,
    )


def activity_of(activity_id: str, customer_id: str, document: Document, **realtime: Any) -> Activity:
    return Activity(
        activity_id=activity_id,
        customer_id=customer_id,
        activity_time=catalog.parse_instant(document["ActivityTime"]),
        document=document | {"ActivityId": activity_id},
        source_table=document.get("EntityName"),
        **realtime,
    )


def intervals(generations: tuple[Generation, ...], kept: str) -> list[tuple[Any, Any, int, int | None]]:
    """Key, value and `[from, to)` of the rows in which the mapping `kept` is stored (S21)."""
    rows: list[tuple[Any, Any, int, int | None]] = []
    contents = [(g.number, getattr(g, kept)) for g in generations]
    for key in {key for _, content in contents for key in content}:
        states = [(number, content.get(key)) for number, content in contents]
        for value, run in itertools.groupby(states, key=lambda state: state[1]):
            if value is not None:
                first, *_ = numbers = [number for number, _ in run]
                later = [number for number, _ in contents if number > numbers[-1]]
                rows.append((key, value, first, later[0] if later else None))
    return rows
