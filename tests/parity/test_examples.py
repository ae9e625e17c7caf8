"""What once parted SQL from the core, each as one example."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import NOW, Service
from tests.parity import rows, worlds
from tests.parity.asking import Asker
from tests.parity.questions import Question
from tests.parity.worlds import CUSTOMERS, HIDDEN, MEASURES, Generation, World
from topcoat.core.catalog import UNIFIED_ACTIVITY_TABLE, Document, Table
from topcoat.core.odata import parser

EMPTY = World((Generation(4, NOW - timedelta(hours=10), None, {}, {}, frozenset(), {}, {}),))


def world(profiles: Mapping[str, Document], **parts: Any) -> World:
    (generation,) = EMPTY.generations
    return replace(EMPTY, generations=(replace(generation, profiles=profiles, **parts),))


async def ids(
    service: Service, world: World, text: str, table: Table = CUSTOMERS, *, of: str | None = None
) -> list[str]:
    """The keys of what a filter finds, after a look at the count."""
    guid = await rows.write_world(service, world)
    question = Question(table, parser.parse_filter(text), of=of)
    (page,), counts = await Asker(service).pages(guid, question)
    assert counts == {len(page)}
    return [record[table.primary_key] for record in page]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Spend eq 4611686018427388000", ["big"]),
        ("Spend eq 4611686018427387904", []),
        ("Spend ne 4611686018427387904", ["big", "small"]),
        ("Spend in (4611686018427388000, 7)", ["big"]),
        ("Spend gt 4611686018427387904", ["big"]),
        ("Spend lt 4611686018427388000", ["small"]),
        ("Points eq Spend", ["big"]),
        ("Points lt Spend", ["small"]),
    ],
)
async def test_a_large_decimal_is_its_shortest_text_on_either_database(
    service: Service, text: str, found: list[str]
) -> None:
    """S27: 2.0**62 is written 4.611686018427388e18, and that is what it is compared as."""
    drawn = world({"big": {"Spend": 2.0**62, "Points": 4611686018427388000}, "small": {"Spend": 2.5, "Points": 2}})

    assert await ids(service, drawn, text) == found


@pytest.mark.parametrize("text", ["(CustomerId eq 'old') eq true", "(CustomerId in ('old')) in (true)"])
async def test_an_alias_is_its_survivor_also_inside_a_comparison_with_true(service: Service, text: str) -> None:
    """S24."""
    drawn = world({"a": {}, "b": {}}, aliases={"old": "a"})

    assert await ids(service, drawn, text) == ["a"]


@pytest.mark.parametrize("is_stored", [True, False], ids=["snapshot", "realtime"])
async def test_an_activity_of_a_hidden_kind_hides_no_other_of_its_id(service: Service, is_stored: bool) -> None:
    """S12, S15, S16."""
    hidden = {"ActivityTime": "2026-11-20T10:00:00Z", "ActivityType": "Other", "EntityName": HIDDEN.name}
    seen = {"ActivityTime": "2026-11-21T10:00:00Z", "ActivityType": "Note"}
    realtime = [
        worlds.activity_of("t1", "a", document, sequence=n, valid_until=NOW + timedelta(days=1), recorded_at=NOW)
        for n, document in enumerate([seen] if is_stored else [hidden, seen], start=1)
    ]
    drawn = world({"a": {}}, activities={("t1", "a"): hidden} if is_stored else {})
    drawn = replace(drawn, activities=tuple(realtime), last_sequence=2)

    assert await ids(service, drawn, "ActivityType eq 'Note'", UNIFIED_ACTIVITY_TABLE) == ["t1"]


@pytest.mark.parametrize("table", [UNIFIED_ACTIVITY_TABLE, MEASURES], ids=lambda table: table.name)
@pytest.mark.parametrize("text", ["CustomerId in (null)", "CustomerId eq 'a' and CustomerId eq 'b'"])
async def test_what_belongs_to_one_profile_and_to_nobody_is_nothing(service: Service, table: Table, text: str) -> None:
    """S24: the address names a profile, the filter rules out all."""
    assert await ids(service, world({"a": {}}, measures={"a": {}}), text, table, of="a") == []
