"""The report of a run as tables that people read."""

from collections.abc import Iterator

from rich.table import Table

from topcoat.flows.refresh.report import RunReport


def tables_of(report: RunReport) -> Iterator[Table]:
    """Those that have anything to tell."""
    for table in (_sources(report), _counts(report), _tasks(report)):
        if table.row_count:
            yield table


def _sources(report: RunReport) -> Table:
    table = _table("source table", "rows", "quarantined", "inputs")
    for name, figures in report.tables.items():
        read = "unchanged" if figures.is_unchanged else ""
        table.add_row(name, f"{figures.rows:,}", f"{figures.quarantined:,}", read)
    return table


def _counts(report: RunReport) -> Table:
    table = Table("what", "of")
    table.add_column("number", justify="right")
    for what, of, number in _list_counts(report):
        table.add_row(what, of, f"{number:,}")
    return table


def _list_counts(report: RunReport) -> Iterator[tuple[str, str, int]]:
    yield from (("deduplicated", rule, number) for rule, number in report.deduplicated.items())
    yield from (("matched", rule, number) for rule, number in report.matched.items())
    if report.clusters:
        yield "profiles", "1 record", report.singletons
    yield from (("profiles", f"{size} records", n) for size, n in sorted(report.clusters.items()) if size > 1)
    for column, won in report.columns.items():
        yield from ((f"{column} from", table, number) for table, number in won.items())
    yield from (("met several rows", table, number) for table, number in report.ambiguous.items() if number)
    yield from (("rows of nobody", table, number) for table, number in report.without_customer.items())
    yield from (("rows written", table, number) for table, number in report.opened.items() if number)
    yield from (("rows ended", table, number) for table, number in report.closed.items() if number)
    for kind, outcomes in report.reconciliation.items():
        yield from ((f"{kind} reconciled", outcome, number) for outcome, number in outcomes.items() if number)


def _tasks(report: RunReport) -> Table:
    table = _table("task", "seconds", "peak memory, MB")
    for name, figures in report.tasks.items():
        table.add_row(name, f"{figures.seconds:,.2f}", f"{figures.peak_memory_bytes / 1_000_000:,.0f}")
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(first)
    for header in others:
        table.add_column(header, justify="right")
    return table
