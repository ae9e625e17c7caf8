"""The report of a run: what is in it, how it is written, and what the command line prints."""

from io import StringIO
from pathlib import Path

import orjson
import pytest
from rich.console import Console
from rich.progress import Progress
from typer.testing import CliRunner

from tests.conftest import Service
from tests.flows.test_refresh import activity, customer, environment
from topcoat import cli
from topcoat.cli import bars, report_tables
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


def printed(report: RunReport) -> list[str]:
    """Rows without their lines and blanks."""
    console = Console(file=StringIO(), width=100)
    for table in report_tables.tables_of(report):
        console.print(table)
    assert isinstance(console.file, StringIO)
    rows = (line.strip("│┃ ").replace("┃", "│").split("│") for line in console.file.getvalue().splitlines())
    return [" ".join(" ".join(cells).split()) for cells in rows if len(cells) > 1]


def test_a_report_is_printed_as_tables() -> None:
    report = RunReport(
        tables={"Shop_sales": TableFigures(1200, 3), "Club_members": TableFigures(40, is_unchanged=True)},
        deduplicated={"Same mail": 2},
        matched={"Mail": 1000},
        singletons=7,
        clusters={1: 7, 2: 500},
        columns={"City": {"Shop_sales": 30}},
        ambiguous={"Finance_accounts": 9, "Other_accounts": 0},
        without_customer={"Web_visits": 4},
        opened={"snapshot_profile": 5, "alias": 0},
        reconciliation={"change": {"confirmed": 1, "lost": 0}},
        tasks={"match": TaskFigures(12.5, 250_000_000)},
    )

    assert printed(report) == [
        "source table rows quarantined inputs",
        "Shop_sales 1,200 3",
        "Club_members 40 0 unchanged",
        "what of number",
        "deduplicated Same mail 2",
        "matched Mail 1,000",
        "profiles 1 record 7",
        "profiles 2 records 500",
        "City from Shop_sales 30",
        "met several rows Finance_accounts 9",
        "rows of nobody Web_visits 4",
        "rows written snapshot_profile 5",
        "change reconciled confirmed 1",
        "task seconds peak memory, MB",
        "match 12.50 250",
    ]
    assert printed(RunReport()) == []


AS_NICE_AS_IT_IS = {"TOPCOAT_REFRESH_NICENESS": "0"}  # for the tests behind it in this process


def test_topcoat_refresh_prints_and_writes_the_report(sqlite_url: str, sample_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    arguments = ["refresh", str(sample_folder / "contoso.yaml"), "--database-url", sqlite_url, "--report", str(file)]

    done = CliRunner().invoke(cli.app, [*arguments, "--truth", str(sample_folder / "truth.csv")], env=AS_NICE_AS_IT_IS)

    assert done.exit_code == 0, done.output
    first, second, *rest = done.output.splitlines()
    assert first.startswith("Generation 2 is active: 20 profiles")
    assert second == "Held against the truth, pair by pair: precision 1.0000, recall 1.0000, F1 1.0000."
    assert any("activation" in line for line in rest)
    written = orjson.loads(file.read_bytes())
    assert (written["generation"], written["quality"]["f1"]) == (2, 1.0)


def test_a_report_that_cannot_be_written_is_told_before_the_refresh(sqlite_url: str, sample_folder: Path) -> None:
    arguments = ["refresh", str(sample_folder / "contoso.yaml"), "--database-url", sqlite_url]

    done = CliRunner().invoke(cli.app, [*arguments, "--report", str(sample_folder)], env=AS_NICE_AS_IT_IS)

    assert isinstance(done.exception, errors.ParameterInvalid)
    assert "--report is" in done.exception.message
    assert done.output == ""


def test_bars_show_how_fast_it_goes() -> None:
    seconds = iter(range(100))
    progress = Progress(
        *bars.COLUMNS, console=Console(file=StringIO(), width=100), get_time=lambda: float(next(seconds))
    )
    shown = bars.Bars(progress)

    shown.start("Reading", 4_000_000, "bytes")
    for _ in range(3):
        shown.advance(1_000_000)
    shown.start("Publishing", 9_000, "rows")
    for _ in range(3):
        shown.advance(2_000)

    console = Console(file=StringIO(), width=100)
    console.print(progress.make_tasks_table(progress.tasks))
    assert isinstance(console.file, StringIO)
    reading, publishing = console.file.getvalue().splitlines()
    assert "4.0 MB/4.0 MB" in reading
    assert "MB/s" in reading
    assert "6,000 rows/9,000 rows" in publishing
    assert "rows/s" in publishing
