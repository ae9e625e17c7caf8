"""The stages of a refresh: what runs, what is skipped, and what a reporter is told (S20)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import INSTANCE, Service, open_service
from tests.flows import asking
from tests.flows.test_refresh import activity, customer, environment
from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.flows.refresh import publish, stages
from topcoat.flows.refresh.environment import load_environment
from topcoat.flows.refresh.progress import Silent
from topcoat.flows.refresh.report import RunReport
from topcoat.flows.refresh.stages import Stage


class Told(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[str] = []

    async def started(self, stage: str) -> None:
        self.events.append(f"{stage} started")

    async def ended(self, stage: str) -> None:
        self.events.append(f"{stage} ended")

    async def skipped(self, stage: str, reason: str) -> None:
        self.events.append(f"{stage} skipped: {reason}")

    async def failed(self, stage: str, error: Exception) -> None:
        self.events.append(f"{stage} failed: {error}")


def publication() -> Any:
    """As much of one as running stages takes."""
    return SimpleNamespace(report=RunReport(), clock=Clock(is_adjustable=False))


async def succeed(_: Any) -> None:
    pass


async def idle(_: Any) -> str:
    return "nothing to do"


async def fail(_: Any) -> None:
    raise errors.NothingToUndo


@pytest.fixture
async def sqlite_service(sqlite_url: str) -> AsyncIterator[Service]:
    async with open_service(sqlite_url) as opened:
        yield opened


async def test_a_failing_stage_skips_what_needs_it_and_nothing_else() -> None:
    told = Told()
    graph = [
        Stage("a", succeed),
        Stage("b", fail, after=("a",)),
        Stage("c", succeed, after=("b",)),
        Stage("d", succeed, after=("a", "c")),
        Stage("e", succeed, after=("a",)),
    ]

    with pytest.raises(errors.NothingToUndo):
        await stages.run_stages(publication(), told, graph)

    assert told.events == [
        "a started",
        "a ended",
        "b started",
        "b failed: There is no earlier generation to go back to.",
        "c skipped: It needs b, which did not succeed.",
        "d skipped: It needs c, which did not succeed.",
        "e started",
        "e ended",
    ]


async def test_a_stage_with_nothing_to_do_holds_up_nobody() -> None:
    told = Told()

    await stages.run_stages(publication(), told, [Stage("a", idle), Stage("b", succeed, after=("a",))])

    assert told.events == ["a started", "a skipped: nothing to do", "b started", "b ended"]


def test_every_stage_comes_behind_those_that_it_needs() -> None:
    names = [stage.name for stage in stages.STAGES]

    assert all(set(stage.after) <= set(names[:place]) for place, stage in enumerate(stages.STAGES))


async def test_a_refresh_with_a_faulty_file_tells_which_stage_failed(sqlite_service: Service, tmp_path: Path) -> None:
    file = environment(tmp_path, [customer("a")], [activity("1", "b")])
    told = Told()

    with pytest.raises(errors.SourceInvalid):
        await publish.refresh(
            sqlite_service.store,
            sqlite_service.clock,
            load_environment(file),
            told,
            horizon=timedelta(days=7),
            reporter=told,
        )

    failed = [event for event in told.events if " failed: " in event]
    assert [event.partition(" ")[0] for event in failed] == ["merge"]
    assert told.events[-1].startswith("segmentation skipped: It needs measures")
    assert (await asking.page(sqlite_service, "Customer")).records
    assert (await sqlite_service.flows.instances.get_instance(INSTANCE)).generation == 1
