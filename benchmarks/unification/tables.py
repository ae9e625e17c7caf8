"""The figures of unification as lines of tables."""

from collections.abc import Sequence

from benchmarks import figures
from benchmarks.figures import Header, Line
from benchmarks.unification.measuring import Floor, Run
from benchmarks.unification.traffic import Traffic

Results = Sequence[Run | Floor]


def run_lines(results: Results) -> tuple[Header, list[Line]]:
    """Each run beside the floors and beside the first."""
    [floor] = [result for result in results if isinstance(result, Floor)]
    runs = [result for result in results if isinstance(result, Run)]
    header = ("run", "seconds", "**of the floors**", "**of the first run**", "peak memory, MB", "rows written", "ended")
    lines = [_run_line(run, floor, runs[0]) for run in runs]
    lines.append(("floor: DuckDB reads and joins the files", f"{floor.joined_seconds:.0f}", "", "", "", "", ""))
    lines.append(("floor: COPY of the rows that came out", f"{floor.loaded_seconds:.0f}", "", "", "", "", ""))
    return header, lines


def _run_line(run: Run, floor: Floor, first: Run) -> Line:
    seconds = run.finished.seconds
    return (
        run.name,
        f"{seconds:.0f}",
        f"**{seconds / floor.seconds:.2f}**",
        f"**{seconds / first.finished.seconds:.2f}**",
        figures.megabytes(run.finished.peak_memory_mb),
        figures.number(sum(run.report["opened"].values())),
        figures.number(sum(run.report["closed"].values())),
    )


def traffic_lines(measured: Sequence[Traffic]) -> tuple[Header, list[Line]]:
    """The last line is how many times as long calls take beside a refresh."""
    header = ("traffic", "reads p50 ms", "p99 ms", "writes p50 ms", "p99 ms", "failed calls")
    lines = [_traffic_line(traffic) for traffic in measured]
    alone, beside = measured
    ratios = (
        beside.reads.p50_ms / alone.reads.p50_ms,
        beside.reads.p99_ms / alone.reads.p99_ms,
        beside.writes.p50_ms / alone.writes.p50_ms,
        beside.writes.p99_ms / alone.writes.p99_ms,
    )
    return header, [*lines, ("**ratio**", *(f"**{ratio:.1f}**" for ratio in ratios), "")]


def _traffic_line(traffic: Traffic) -> Line:
    times = (traffic.reads.p50_ms, traffic.reads.p99_ms, traffic.writes.p50_ms, traffic.writes.p99_ms)
    return (traffic.name, *map(figures.milliseconds, times), str(traffic.failures))


def task_lines(results: Results) -> tuple[Header, list[Line]]:
    runs = [result for result in results if isinstance(result, Run)]
    names = list(runs[0].report["tasks"])
    lines = [(name, *(f"{run.report['tasks'][name]['seconds']:.1f}" for run in runs)) for name in names]
    return ("task", *(run.name for run in runs)), lines
