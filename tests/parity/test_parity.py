"""The SQL that answers at scale agrees with the pure core, record for record (S24-S28)."""

import pytest
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from tests.conftest import IS_THOROUGH, Service
from tests.parity import questions, reference, rows, worlds
from tests.parity.asking import Asker
from tests.parity.questions import Question
from tests.parity.worlds import CUSTOMERS, MEASURES, World
from topcoat.core.catalog import UNIFIED_ACTIVITY_TABLE, Table
from topcoat.flows.query import gathering, plan

EXAMPLES = 2000 if IS_THOROUGH else 200
CROWD = worlds.crowd()


@pytest.fixture
def asker(service: Service) -> Asker:
    return Asker(service)


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few records fill pages, and a page takes several chunks."""
    monkeypatch.setattr(plan, "PAGE_DEFAULT", 2)
    monkeypatch.setattr(gathering, "CHUNK_MAX", 3)


@pytest.fixture
async def crowd(service: Service) -> str:
    return await rows.write_world(service, CROWD)


def asked(table: Table) -> st.SearchStrategy[list[Question]]:
    return st.lists(questions.questions(table), min_size=1, max_size=6)


async def assert_parity(asker: Asker, guid: str, world: World, asked: list[Question]) -> None:
    kept = [question for question in asked if reference.is_answered(world, question)]
    assume(kept)
    for question in kept:
        note(f"{question.table.name}: {list(question.options())}, {question.indexed}")
        expected, count = reference.answer(world, question)

        pages, counts = await asker.pages(guid, question)

        found = [reference.canonical(record) for page in pages for record in page]
        assert found == [reference.canonical(record) for record in expected]
        assert counts == {count}


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


@settings(max_examples=EXAMPLES)
@given(asked=asked(CUSTOMERS))
async def test_a_filter_chooses_the_same_profiles_in_sql_as_in_the_core(
    asker: Asker, crowd: str, asked: list[Question]
) -> None:
    """S26, S27: among profiles that hold every value that is hard to compare."""
    await assert_parity(asker, crowd, CROWD, asked)
