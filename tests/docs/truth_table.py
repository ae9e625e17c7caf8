"""The truth table of docs/odata.md, computed by the core: `python -m tests.docs.truth_table --write` renews it."""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from topcoat.core.catalog import Column, ColumnType, Table, TableKind
from topcoat.core.odata import binding, evaluate, parser

PAGE = Path(__file__).parents[2] / "docs" / "odata.md"
SECTION = re.compile(r"(?<=<!-- truth -->\n).*?(?=<!-- /truth -->)", re.DOTALL)

TABLE = Table(
    "Customer",
    TableKind.CUSTOMER,
    (
        Column("CustomerId", is_key=True),
        Column("City"),
        Column("Points", ColumnType.INTEGER),
        Column("OptIn", ColumnType.BOOLEAN),
        Column("Birthday", ColumnType.DATE),
        Column("Since", ColumnType.DATE_TIME),
    ),
    "CustomerId",
)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WORDS = {True: "true", False: "false", None: "null"}

CITY = ("City", [None, "Paris", "Oslo"])
POINTS = ("Points", [None, 5, 9])
OPT_IN = ("OptIn", [None, True, False])
BIRTHDAY = ("Birthday", [None, "2026-12-24", "2026-12-25"])
SINCE = ("Since", [None, "2026-12-24T00:00:00Z", "2026-12-24T00:00:00.500000Z"])

QUESTIONS = [
    (
        CITY,
        [
            "City eq null",
            "City ne null",
            "City eq 'Paris'",
            "City ne 'Paris'",
            "not (City eq 'Paris')",
            "City lt 'Paris'",
            "City in ('Paris', 'Rome')",
            "City in ('Paris', null)",
            "not (City in ('Paris', 'Rome'))",
            "contains(City, 'ari')",
            "not contains(City, 'ari')",
            "contains(City, 'ari') eq false",
            "contains(City, 'ari') eq null",
            "tolower(City) eq 'paris'",
            "length(City) gt 4",
        ],
    ),
    (
        POINTS,
        [
            "Points eq 5.0",
            "Points gt 5",
            "Points ge 5",
            "Points lt 10",
            "Points le null",
            "not (Points gt 5)",
            "Points add 1 eq 6",
            "Points add 1 eq null",
            "Points div 0 eq null",
            "Points div 2 eq 2",
            "Points mod 2 eq 1",
        ],
    ),
    (
        OPT_IN,
        [
            "OptIn",
            "not OptIn",
            "OptIn eq true",
            "OptIn ne true",
            "OptIn eq null",
            "OptIn and true",
            "OptIn and false",
            "OptIn and null",
            "OptIn or true",
            "OptIn or false",
            "OptIn or null",
        ],
    ),
    (
        BIRTHDAY,
        ["Birthday eq 2026-12-24", "Birthday eq 2026-12-24T00:00:00Z", "Birthday gt 2026-12-24", "day(Birthday) eq 24"],
    ),
    (
        SINCE,
        [
            "Since eq 2026-12-24",
            "Since gt 2026-12-24",
            "Since eq 2026-12-24T01:00:00+01:00",
            "date(Since) eq 2026-12-24",
            "Since gt now()",
        ],
    ),
]


def truth_tables() -> str:
    return "\n".join(_table(column, values, questions) for (column, values), questions in QUESTIONS)


def answer(question: str, column: str, value: object) -> bool | None:
    tree = binding.bind_filter(parser.parse_filter(question), TABLE)
    return evaluate.compile_filter(tree, TABLE)(evaluate.Subject({column: value}, NOW))


def renewed(page: str) -> str:
    return SECTION.sub(lambda _: truth_tables(), page)


def _table(column: str, values: list[object], questions: list[str]) -> str:
    head = [f"`{column}` is", *(f"`{_shown(value)}`" for value in values)]
    rows = [[f"`{question}`", *(WORDS[answer(question, column, value)] for value in values)] for question in questions]
    rule = ["---"] * len(head)
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *rows))


def _shown(value: object) -> str:
    if value is None or isinstance(value, bool):
        return WORDS[value]
    return f"'{value}'" if isinstance(value, str) and not value[0].isdigit() else str(value)


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m tests.docs.truth_table --write")
    PAGE.write_text(renewed(PAGE.read_text()))
