"""The SQL that answers at scale agrees with the pure core, record for record (S24-S28)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import IS_THOROUGH, Service
from tests.parity import crowds, questions, reference, rows, worlds
from tests.parity.asking import Asker
from tests.parity.questions import Question
from tests.parity.worlds import CUSTOMERS, MEASURES, World
from topcoat.core.catalog import UNIFIED_ACTIVITY_TABLE, Table
from topcoat.core.odata import parser
from topcoat.flows.query import gathering, plan

EXAMPLES = 2000 if IS_THOROUGH else 100
CROWDS = {"values": crowds.crowd(), "overlays": crowds.overlaid()}


@pytest.fixture
def asker(service: Service) -> Asker:
    return Asker(service)


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few records fill pages, and a page takes several chunks."""
    monkeypatch.setattr(plan, "PAGE_DEFAULT", 2)
    monkeypatch.setattr(gathering, "CHUNK_MAX", 3)


@pytest.fixture
def crowd_guids() -> dict[str, str]:
    """The instances that the examples of one test share."""
    return {}


async def written(service: Service, guids: dict[str, str], name: str) -> str:
    if name not in guids:
        guids[name] = await rows.write_world(service, CROWDS[name])
    return guids[name]


def asked(table: Table) -> st.SearchStrategy[list[Question]]:
    return st.lists(questions.questions(table), min_size=1, max_size=6)


async def assert_parity(asker: Asker, guid: str, world: World, asked: list[Question]) -> None:
    kept = [question for question in asked if reference.is_answered(world, question)]
    for question in kept:
        message = f"{question.table.name}: {list(question.options())}, {question.indexed}"
        expected, count = reference.answer(world, question)

        pages, counts = await asker.pages(guid, question)

        found = [reference.canonical(record) for page in pages for record in page]
        assert found == [reference.canonical(record) for record in expected], message
        assert counts == {count}, message


@pytest.mark.usefixtures("small_limits")
@settings(max_examples=EXAMPLES)
@given(world=worlds.worlds(), asked=asked(CUSTOMERS))
async def test_profiles_are_those_of_the_core_in_its_order(
    service: Service, asker: Asker, world: World, asked: list[Question]
) -> None:
    """S24, S25, S27, S28: on whichever indexes, as of whenever; pages joined, and counted."""
    await assert_parity(asker, await rows.write_world(service, world), world, asked)


@pytest.mark.usefixtures("small_limits")
@settings(max_examples=EXAMPLES // 2)
@given(world=worlds.worlds(), asked=asked(UNIFIED_ACTIVITY_TABLE))
async def test_activities_are_those_of_the_core_in_its_order(
    service: Service, asker: Asker, world: World, asked: list[Question]
) -> None:
    """S12, S15-S18, S24, S25, S27, S28."""
    await assert_parity(asker, await rows.write_world(service, world), world, asked)


@pytest.mark.usefixtures("small_limits")
@settings(max_examples=EXAMPLES // 5)
@given(world=worlds.worlds(), asked=asked(MEASURES))
async def test_measures_are_those_of_the_snapshot_whatever_changed(
    service: Service, asker: Asker, world: World, asked: list[Question]
) -> None:
    """S10, S25, S27, S28."""
    await assert_parity(asker, await rows.write_world(service, world), world, asked)


@pytest.mark.parametrize("name", CROWDS)
@settings(max_examples=EXAMPLES // 2)
@given(asked=asked(CUSTOMERS))
async def test_a_filter_chooses_the_same_profiles_in_sql_as_in_the_core(
    service: Service, asker: Asker, crowd_guids: dict[str, str], name: str, asked: list[Question]
) -> None:
    """S7, S9, S26-S28: among profiles with every value that is hard to compare, and with every kind of change."""
    await assert_parity(asker, await written(service, crowd_guids, name), CROWDS[name], asked)


@settings(max_examples=EXAMPLES // 2)
@given(asked=asked(UNIFIED_ACTIVITY_TABLE))
async def test_of_activities_with_one_id_sql_shows_the_one_that_the_core_shows(
    service: Service, asker: Asker, crowd_guids: dict[str, str], asked: list[Question]
) -> None:
    """S12, S15, S16, S18: also where aliases are not known yet."""
    await assert_parity(asker, await written(service, crowd_guids, "overlays"), CROWDS["overlays"], asked)


@pytest.mark.parametrize(
    "text", ["City eq null", "City eq 'paris'", "not (City eq 'Paris') and Points ne 5", "Spend gt 1"]
)
async def test_every_kind_of_change_counts_exactly_when_it_should(service: Service, asker: Asker, text: str) -> None:
    """S2, S7, S9, S28: at every instant that is asked about, in one order and in another."""
    tree, orders = parser.parse_filter(text), parser.parse_orderby("Points,City")
    guid = await rows.write_world(service, CROWDS["overlays"])
    every = [
        Question(CUSTOMERS, tree, order=order, as_of=as_of)
        for as_of in (None, *worlds.INSTANTS_ASKED)
        for order in ((), orders[:1], orders)
    ]

    await assert_parity(asker, guid, CROWDS["overlays"], every)
