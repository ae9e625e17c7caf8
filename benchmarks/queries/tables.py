"""The figures as lines of tables."""

from typing import Final

from benchmarks import figures
from benchmarks.figures import Header, Line
from benchmarks.queries.measuring import Measured, Result, Times

HEADER: Final = (
    "question",
    "rows that match",
    "Topcoat p50 ms",
    "p99 ms",
    "snapshot alone p50 ms",
    "p99 ms",
    "**Topcoat / snapshot**",
    "merging view p50 ms (times asked)",
    "**view / Topcoat**",
)


def question_line(measured: Measured) -> Line:
    return (
        measured.question.name,
        figures.number(measured.rows),
        *_cells(measured.topcoat),
        *_cells(measured.floor),
        _ratio(measured.topcoat, measured.floor),
        _median_and_number(measured.view),
        _ratio(measured.view, measured.topcoat),
    )


def size_header(results: list[Result]) -> Header:
    sizes = tuple(f"{result.scale.profiles:,} profiles" for result in results)
    return ("Topcoat p50 ms", *sizes, *(["**ratio**"] if len(results) == 2 else []))


def size_lines(results: list[Result]) -> list[Line]:
    """One line for each look-up, and the memory of the worker; the ratio is of the last to the first."""
    by_name = [{m.question.name: m.topcoat for m in r.measured if m.question.is_look_up} for r in results]
    lines = [_size_line(name, [times[name] for times in by_name]) for name in by_name[0]]
    memory = ("peak memory of the worker, MB", *(figures.megabytes(result.peak_memory_mb) for result in results))
    return [*lines, (*memory, *([""] if len(results) == 2 else []))]


def _size_line(name: str, times: list[Times | str]) -> Line:
    ratio = (_ratio(times[1], times[0]),) if len(times) == 2 else ()
    return (name, *(_cells(each)[0] for each in times), *ratio)


def _cells(times: Times | str) -> tuple[str, str]:
    if isinstance(times, str):
        return times, "-"
    return figures.milliseconds(times.median_ms), figures.milliseconds(times.p99_ms)


def _median_and_number(times: Times | str) -> str:
    return times if isinstance(times, str) else f"{figures.milliseconds(times.median_ms)} ({times.repetitions})"


def _ratio(one: Times | str, other: Times | str) -> str:
    if isinstance(one, str) or isinstance(other, str):
        return "-"
    ratio = one.median_ms / other.median_ms
    return f"**{ratio:,.0f}**" if ratio >= 10 else f"**{ratio:.2f}**"
