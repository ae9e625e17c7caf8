"""Instances made to be hard: every value that is hard to compare, every way in which a change can count or not."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests import make
from tests.make import NOW
from tests.parity.worlds import (
    ACTIVATED,
    CUSTOMERS,
    DATES,
    DECIMALS,
    HIDDEN,
    INSTANTS,
    INTEGERS,
    NUMBERS,
    ODD_VALUES,
    SEGMENTS,
    TEXTS,
    Generation,
    StoredRelease,
    World,
    activity_of,
)
from topcoat.core.catalog import ColumnType, Document
from topcoat.core.overlay.override import Confirmation, Release, Withdrawal


def crowd() -> World:
    """One generation with every value of the pools in some profile, half of them brought by changes, over some of which
    there are others with values that may not fit."""
    columns = [column for column in CUSTOMERS.columns if not column.is_key]
    values: dict[ColumnType, tuple[Any, ...]] = {
        ColumnType.STRING: TEXTS,
        ColumnType.INTEGER: INTEGERS,
        ColumnType.DECIMAL: DECIMALS,
        ColumnType.BOOLEAN: (True, False),
        ColumnType.DATE: DATES,
        ColumnType.DATE_TIME: INSTANTS,
    }
    size = len(TEXTS) + 1
    pools = {column.name: (None, *values[column.type]) for column in columns}
    records = [{name: pool[place % len(pool)] for name, pool in pools.items()} for place in range(size)]
    # Shifted, so that the columns of one type differ, and what a change hides differs from what it brings.
    records = [record | {"City": TEXTS[place % 5], "Seen": INSTANTS[place % 3]} for place, record in enumerate(records)]
    profiles = {f"p{place:02}": _without_nulls(record) for place, record in enumerate(records)}
    hidden = {i: profiles[f"p{(place + 7) % size:02}"] for place, i in enumerate(profiles) if place % 2}
    changes = [
        make.override(sequence=n, customer_id=i, columns=records[int(i[1:])], recorded_at=NOW)
        for n, i in enumerate(hidden, start=1)
    ]
    changes += [
        make.override(sequence=len(changes) + n, customer_id=i, columns=_odd(n), recorded_at=NOW)
        for n, i in enumerate([*profiles][::3], start=1)
    ]
    generation = Generation(
        number=NUMBERS[-1],
        activated_at=ACTIVATED[-1],
        closed_at=None,
        profiles=profiles | hidden,
        aliases={"a": "p03", "old": "p04"},
        members=frozenset((SEGMENTS[place % 2], i) for place, i in enumerate(profiles) if place % 3),
        activities={},
        measures={},
    )
    return World((generation,), tuple(changes), last_sequence=len(changes))


def _odd(place: int) -> Document:
    """Some values of the wrong types; the columns of one type differ."""
    names = [column.name for column in CUSTOMERS.columns if not column.is_key]
    return {name: ODD_VALUES[(5 * place + 3 * n) % len(ODD_VALUES)] for n, name in enumerate(names) if (place + n) % 3}


def _without_nulls(record: Document) -> Document:
    return {name: value for name, value in record.items() if value is not None}


_LATER = NOW - timedelta(minutes=30)
_VARIANTS = list(
    itertools.product(
        ("own", "alias"),
        (NOW - timedelta(hours=19), NOW - timedelta(hours=2)),
        (NOW - timedelta(hours=1), NOW + timedelta(hours=5)),
        ("none", "withdrawn", "confirmed", "confirmed before", "confirmed after", "confirmed for later"),
    )
)


def overlaid() -> World:
    """A profile for each way in which two changes of it can be written, lapse and end, in three generations."""
    profiles: dict[str, Document] = {
        f"q{place:02}": {"City": "Paris", "Points": place % 3, "Spend": 0.1, "OptIn": place % 2 == 0}
        for place in range(len(_VARIANTS))
    }
    aliases = {f"old{i}": i for i in profiles}
    world = World(())
    for place, (name, recorded_at, valid_until, end) in enumerate(_VARIANTS):
        i = f"q{place:02}"
        columns: tuple[Document, Document] = ({"City": "paris", "Points": 5}, {"City": None, "Spend": 5.0})
        names = (i, f"old{i}") if name == "alias" else (i, i)
        changes = tuple(
            replace(
                make.override(sequence=10 * place + n, customer_id=named, columns=brought, recorded_at=recorded_at),
                valid_until=valid_until,
            )
            for n, (named, brought) in enumerate(zip(names, columns, strict=True), start=1)
        )
        judged = changes[-1].sequence
        release: Release | None = {
            "withdrawn": Withdrawal(judged + 1, judged),
            "confirmed": Confirmation(judged + 1, "City", judged, NUMBERS[-1]),
            "confirmed before": Confirmation(judged + 1, "City", judged - 1, NUMBERS[-1]),
            "confirmed after": Confirmation(judged + 1, "City", judged, NUMBERS[-1]),
            "confirmed for later": Confirmation(judged + 1, "City", judged, NUMBERS[-1] + 1),
        }.get(end)
        at = _LATER if end == "confirmed after" else recorded_at
        releases = () if release is None else (StoredRelease(names[-1], at, release),)
        world = replace(
            world,
            overrides=(*world.overrides, *changes),
            releases=(*world.releases, *releases),
            last_sequence=judged + 1,
        )
    return replace(world, generations=_published(profiles, aliases), **_twins(world, list(profiles)))


def _published(profiles: dict[str, Document], aliases: dict[str, str]) -> tuple[Generation, ...]:
    """In the first, the aliases are not known yet; in the last, the snapshot has some of the real-time activities."""
    shown = {"ActivityTime": INSTANTS[2], "ActivityType": "Call", "Title": "of the snapshot"}
    stored = {("t1", i): shown for i in list(profiles)[::3]}
    closed = (*ACTIVATED[1:], None)
    return tuple(
        Generation(
            number=number,
            activated_at=activated_at,
            closed_at=closed_at,
            profiles=profiles,
            aliases={} if place == 0 else aliases,
            members=frozenset((SEGMENTS[0], i) for i in profiles if i > "q20"),
            activities=stored if place == 2 else {},
            measures={},
        )
        for place, (number, activated_at, closed_at) in enumerate(zip(NUMBERS, ACTIVATED, closed, strict=True))
    )


def _twins(world: World, ids: list[str]) -> dict[str, Any]:
    """One activity id under two names of every profile, the later of them older; some are of a kind that is hidden."""
    sequence, activities = world.last_sequence, []
    for place, i in enumerate(ids):
        _, recorded_at, valid_until, _ = _VARIANTS[place]
        for n, named in enumerate((i, f"old{i}")):
            sequence += 1
            document = {"ActivityTime": INSTANTS[2 - n], "ActivityType": "Note", "Title": f"Paris {n}"}
            hidden = {"EntityName": HIDDEN.name} if place % 5 == n else {}
            lapse = NOW + timedelta(hours=5) if n else valid_until
            activities.append(
                activity_of(
                    "t1", named, document | hidden, sequence=sequence, recorded_at=recorded_at, valid_until=lapse
                )
            )
    return {"activities": tuple(activities), "last_sequence": sequence}
