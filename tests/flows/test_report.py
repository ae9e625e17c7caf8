"""The report of a run: what is in it, and how it is written."""

from pathlib import Path

import orjson
import pytest

from tests.conftest import Service
from tests.flows.test_refresh import activity, customer, environment
from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.flows.refresh import measuring
from topcoat.flows.refresh.report import Quality, RunReport, TableFigures, TaskFigures

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "refresh.md"


async def test_a_refresh_reports_what_it_wrote_and_what_each_task_took(sqlite_service: Service, tmp_path: Path) -> None:
    report = await sqlite_service.refresh(environment(tmp_path, [customer("a"), customer("b")], [activity("1", "a")]))

    written = orjson.loads(orjson.dumps(report.document()))
    assert (written["profiles"], written["activities"]) == (2, 1)
    assert written["opened"]["snapshot_profile"] == 2
    assert list(written["tasks"])[:2] == ["ingestion", "map"]
    assert list(written["tasks"])[-1] == "activation"
    assert all(task["seconds"] >= 0 and task["peakMemoryBytes"] > 1_000_000 for task in written["tasks"].values())


def test_names_of_tables_and_rules_are_written_as_they_are() -> None:
    report = RunReport(
        tables={"Shop_sales": TableFigures(3, 1)},
        matched={"same_mail": 2},
        clusters={2: 5},
        tasks={"match": TaskFigures(0.5, 10)},
        quality=Quality(1.0, 0.5, 0.667),
    )

    written = report.document()

    assert written["tables"] == {"Shop_sales": {"rows": 3, "quarantined": 1, "isUnchanged": False}}
    assert written["matched"] == {"same_mail": 2}
    assert written["clusters"] == {"2": 5}
    assert written["tasks"] == {"match": {"seconds": 0.5, "peakMemoryBytes": 10}}
    assert written["quality"] == {"precision": 1.0, "recall": 0.5, "f1": 0.667}


def test_every_field_is_documented() -> None:
    section = DOCUMENTATION.read_text().partition("## Run report")[2]

    assert [name for name in RunReport().document() if f"`{name}`" not in section] == []


def test_the_peak_of_a_task_is_not_that_of_the_task_before() -> None:
    figures: dict[str, TaskFigures] = {}
    clock = Clock(is_adjustable=False)

    with measuring.measured(figures, "large", clock):
        assert len(b"1" * 96_000_000) == 96_000_000
    with measuring.measured(figures, "small", clock):
        pass

    assert figures["large"].peak_memory_bytes >= figures["small"].peak_memory_bytes + 48_000_000


def test_a_task_that_fails_is_measured_as_well() -> None:
    figures: dict[str, TaskFigures] = {}

    with pytest.raises(errors.NothingToUndo), measuring.measured(figures, "merge", Clock(is_adjustable=False)):
        raise errors.NothingToUndo

    assert list(figures) == ["merge"]
