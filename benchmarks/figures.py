"""Tables of figures: on the terminal, and between markers in a Markdown file."""

from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

Header = tuple[str, ...]
Line = tuple[str, ...]


def print_table(console: Console, title: str, header: Header, lines: list[Line]) -> None:
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(header):
        table.add_column(name, justify="left" if number == 0 else "right")
    for line in lines:
        table.add_row(*line)
    console.print(table)


def markdown_table(header: Header, lines: list[Line]) -> str:
    rule = ("---",) + ("---:",) * (len(header) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *lines))


def replace_between_markers(file: Path, name: str, text: str) -> None:
    """Put the text between `<!-- name -->` and `<!-- /name -->`."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found_start, rest = file.read_text().partition(start)
    _, found_end, after = rest.partition(end)
    if not found_start or not found_end:
        raise typer.BadParameter(f"{file} has no pair of markers {start} … {end}.")
    file.write_text(f"{before}{start}\n{text}\n{end}{after}")


def number(value: float) -> str:
    return f"{value:,.0f}"


def milliseconds(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def megabytes(value: float | None) -> str:
    return "?" if value is None else f"{value:,.0f}"
