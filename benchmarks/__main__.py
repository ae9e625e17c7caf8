"""`python -m benchmarks`: requests side by side; `publish`: what publishing takes; `refresh`: what
unification takes; `queries`: merged reads at scale; `cards`: open customer cards."""

import os
import signal
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from benchmarks import cards as open_cards
from benchmarks import comparison, databases, figures, publish, subjects
from benchmarks.comparison import Memory, Row, Work
from benchmarks.load import Figures
from benchmarks.queries import measuring, tables
from benchmarks.queries import scale as query_scale
from benchmarks.queries.scale import CHANGED_EVERY, HOT_ACTIVITIES
from benchmarks.unification import measuring as unification
from benchmarks.unification import tables as unification_tables
from benchmarks.unification import traffic
from benchmarks.unification.data import Scale

console = Console(width=None if Console().is_terminal else 160)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)

LOAD_BEFORE_MAX = 0.5

Choice = TypeVar("Choice", bound=Enum)
Markdown = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="File whose marked tables are written anew.")
]

REQUESTS_HEADER = (
    "database, work, clients",
    "Topcoat /s",
    "p50 ms",
    "p99 ms",
    "plain service /s",
    "p50 ms",
    "p99 ms",
    "**ratio**",
    "constant /s",
    "constant, FastAPI /s",
)
MEMORY_HEADER = ("peak memory, MB", subjects.TOPCOAT, subjects.PLAIN, subjects.BARE, subjects.ROUTED)


@app.callback(invoke_without_command=True)
def compare(
    context: typer.Context,
    *,
    clients: Annotated[str, typer.Option(help="Numbers of clients, separated by commas.")] = "1,32,128",
    seconds: Annotated[float, typer.Option(min=0.1, help="Seconds of each of the rounds.")] = 5.0,
    size: Annotated[int, typer.Option(min=1, max=1_000_000, help="Customers in the database.")] = 10_000,
    database: Annotated[str, typer.Option(help="Databases, separated by commas.")] = "sqlite,postgresql",
    only: Annotated[str, typer.Option(help="Kinds of work, separated by commas.")] = "writes,reads",
    markdown: Markdown = None,
) -> None:
    """Measure Topcoat beside a plain service and a constant answer."""
    if context.invoked_subcommand is not None:
        return
    _warn_of_company()
    plan = comparison.Plan(
        databases=_chosen(databases.Kind, database, "--database"),
        works=_chosen(Work, only, "--only"),
        clients=_counts(clients),
        seconds=seconds,
        size=size,
    )
    results = list(comparison.measure(plan, console))
    lines = [_request_line(result) for result in results if isinstance(result, Row)]
    _require(lines)
    memory = [_memory_line(result) for result in results if isinstance(result, Memory)]
    figures.print_table(console, f"Medians of {comparison.ROUNDS} rounds", REQUESTS_HEADER, lines)
    figures.print_table(console, "Server processes", MEMORY_HEADER, memory)
    _warn_of_failures([result for result in results if isinstance(result, Row)])
    if markdown is not None:
        tables = [figures.markdown_table(REQUESTS_HEADER, lines), figures.markdown_table(MEMORY_HEADER, memory)]
        figures.replace_between_markers(markdown, "figures", "\n\n".join(tables))


@app.command(name="publish")
def publish_command(
    *,
    profiles: Annotated[int, typer.Option(min=100, max=1_000_000, help="Customers in the sample.")] = 100_000,
    activities: Annotated[int, typer.Option(min=0, help="Most activities to publish.")] = 500_000,
    database: Annotated[str, typer.Option(help="Databases, separated by commas.")] = "postgresql",
    markdown: Markdown = None,
) -> None:
    """Time a first refresh, one without changes, and one with 1 % of the rows changed."""
    _warn_of_company()
    lines: list[figures.Line] = []
    for kind in databases.available(_chosen(databases.Kind, database, "--database"), console):
        for step in publish.measure_publishing(kind, profiles, activities, console):
            taken = step.finished
            lines.append(
                (
                    f"{kind.value}, {step.name}",
                    f"{taken.seconds:.1f}",
                    figures.megabytes(taken.peak_memory_mb),
                    step.summary,
                )
            )
    _require(lines)
    header = ("refresh", "seconds", "peak memory, MB", "what it reports")
    figures.print_table(console, f"{profiles:,} profiles", header, lines)
    if markdown is not None:
        figures.replace_between_markers(markdown, "publish", figures.markdown_table(header, lines))


@app.command(name="queries")
def queries_command(
    *,
    profiles: Annotated[int, typer.Option(min=10_000, help="Profiles in the snapshot.")] = 1_000_000,
    activities: Annotated[int, typer.Option(min=2 * HOT_ACTIVITIES, help="Activities in the snapshot.")] = 10_000_000,
    repetitions: Annotated[int, typer.Option(min=1, help="Times that each question is asked.")] = 200,
    view_timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that the merging view gets.")] = 30.0,
    beside: Annotated[int, typer.Option(min=0, help="Profiles of a second, smaller database; 0: none.")] = 10_000,
    markdown: Markdown = None,
) -> None:
    """Ask Topcoat, the snapshot alone and a merging view the same questions, on PostgreSQL."""
    if 0 < beside < CHANGED_EVERY:
        raise typer.BadParameter(f"{beside}; expected 0, or at least {CHANGED_EVERY}.", param_hint="--beside")
    _warn_of_company()
    if not databases.available([databases.Kind.POSTGRESQL], console):
        raise typer.Exit(1)
    plan = measuring.Plan(repetitions, view_timeout)
    results = []
    if beside:
        small = query_scale.Scale(beside, max(activities * beside // profiles, 2 * HOT_ACTIVITIES))
        results.append(measuring.measure(small, plan, console, only_look_ups=True))
    results.append(measuring.measure(query_scale.Scale(profiles, activities), plan, console))
    lines = [tables.question_line(measured) for measured in results[-1].measured]
    header, sizes = tables.size_header(results), tables.size_lines(results)
    figures.print_table(console, f"{profiles:,} profiles, {activities:,} activities", tables.HEADER, lines)
    figures.print_table(console, "Look-ups by size", header, sizes)
    _warn_of_disagreements(results)
    if markdown is not None:
        written = [figures.markdown_table(tables.HEADER, lines), figures.markdown_table(header, sizes)]
        figures.replace_between_markers(markdown, "queries", "\n\n".join(written))


@app.command(name="refresh")
def refresh_command(
    *,
    customers: Annotated[int, typer.Option(min=1_000, help="Customer rows in two tables.")] = 1_000_000,
    activities: Annotated[int, typer.Option(min=1_000, help="Rows of activities in two tables.")] = 10_000_000,
    memory: Annotated[str, typer.Option(help="Most memory of the engine.")] = "2GB",
    threads: Annotated[int, typer.Option(min=1, help="Threads of the engine.")] = 2,
    markdown: Markdown = None,
) -> None:
    """Time unification of raw tables into PostgreSQL, beside joining the same files and loading the same rows."""
    _warn_of_company()
    if not databases.available([databases.Kind.POSTGRESQL], console):
        raise typer.Exit(1)
    scale = Scale(customers, activities)
    results = list(unification.measure(scale, memory, threads, console))
    runs, tasks = unification_tables.run_lines(results), unification_tables.task_lines(results)
    figures.print_table(console, f"{customers:,} customer rows, {activities:,} activities", *runs)
    figures.print_table(console, "Seconds by task", *tasks)
    if markdown is not None:
        written = "\n\n".join(figures.markdown_table(*table) for table in (runs, tasks))
        figures.replace_between_markers(markdown, "refresh", written)


@app.command(name="traffic")
def traffic_command(
    *,
    size: Annotated[int, typer.Option(min=1_000, help="Customers of the sample.")] = 50_000,
    markdown: Markdown = None,
) -> None:
    """Read and write at a steady rate, alone and beside a refresh, on PostgreSQL."""
    _warn_of_company()
    if not databases.available([databases.Kind.POSTGRESQL], console):
        raise typer.Exit(1)
    header, lines = unification_tables.traffic_lines(list(traffic.measure(size, console)))
    figures.print_table(console, f"{size:,} customers", header, lines)
    if markdown is not None:
        figures.replace_between_markers(markdown, "traffic", figures.markdown_table(header, lines))


@app.command(name="cards")
def cards_command(
    *,
    cards: Annotated[str, typer.Option(help="Numbers of open cards, separated by commas.")] = "200,1000",
    size: Annotated[int, typer.Option(min=100, help="Customers of the sample.")] = 10_000,
    database: Annotated[str, typer.Option(help="Databases, separated by commas.")] = "sqlite,postgresql",
    markdown: Markdown = None,
) -> None:
    """Time how long after a POST an open card has it, and what open cards take of the worker's memory."""
    _warn_of_company()
    kinds = databases.available(_chosen(databases.Kind, database, "--database"), console)
    measured = [open_cards.measure(kind, number, size, console) for kind in kinds for number in _counts(cards)]
    lines = [open_cards.line(each) for each in measured]
    _require(lines)
    figures.print_table(console, f"{size:,} customers, {open_cards.WRITES} activities", open_cards.HEADER, lines)
    if markdown is not None:
        figures.replace_between_markers(markdown, "cards", figures.markdown_table(open_cards.HEADER, lines))


def _warn_of_disagreements(results: list[measuring.Result]) -> None:
    for measured in (measured for result in results for measured in result.measured):
        if measured.disagreements:
            console.print(f"[bold red]{measured.disagreements} answers differ from the merging view's[/]: ", end="")
            console.print(measured.question.name, markup=False)


def _warn_of_company() -> None:
    """Figures taken while something else works are not worth keeping."""
    load = os.getloadavg()[0]
    if load > LOAD_BEFORE_MAX:
        console.print(f"[bold red]This machine is busy[/] (load average {load:.1f}): the figures will be too low.")


def _require(lines: list[figures.Line]) -> None:
    """Nothing measured is a failure, and must not empty a table in the documentation."""
    if not lines:
        console.print("Nothing was measured.")
        raise typer.Exit(1)


def _request_line(row: Row) -> figures.Line:
    return (
        f"{row.database.value}, {row.work.value}, {row.clients}",
        *_cells(row.figures[subjects.TOPCOAT]),
        *_cells(row.figures[subjects.PLAIN]),
        f"**{row.ratio(subjects.PLAIN):.1f}**",
        figures.number(row.figures[subjects.BARE].requests_per_second),
        figures.number(row.figures[subjects.ROUTED].requests_per_second),
    )


def _cells(measured: Figures) -> tuple[str, str, str]:
    return (
        figures.number(measured.requests_per_second),
        figures.milliseconds(measured.p50_ms),
        figures.milliseconds(measured.p99_ms),
    )


def _memory_line(memory: Memory) -> figures.Line:
    return (memory.database.value, *(figures.megabytes(memory.peaks_mb[name]) for name in MEMORY_HEADER[1:]))


def _warn_of_failures(rows: list[Row]) -> None:
    for row in rows:
        for name, failures in row.failures.items():
            if failures:
                console.print(
                    f"[bold red]{name}: {failures:,} answers with another status[/] "
                    f"({row.database.value}, {row.work.value}, {row.clients} clients)"
                )


def _chosen(kinds: type[Choice], text: str, option: str) -> list[Choice]:
    names = [name.strip() for name in text.split(",")]
    known = {kind.value: kind for kind in kinds}
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"'{name}'; expected some of {', '.join(known)}.", param_hint=option)
    return [known[name] for name in names]


def _counts(text: str) -> list[int]:
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError:
        counts = []
    if not counts or min(counts) < 1:
        raise typer.BadParameter(f"'{text}'; expected numbers such as 1,32,128.", param_hint="--clients")
    return counts


def _stop(signal_number: int, _frame: object) -> None:
    """Leave by an exception, so that servers are stopped and databases removed on the way out."""
    sys.exit(128 + signal_number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    app(prog_name="python -m benchmarks")
