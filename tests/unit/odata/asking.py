"""Questions asked of a record of the table with a column of every type."""

from tests import make
from tests.unit.odata.strategies import TABLE
from topcoat.core.odata import binding, evaluate, parser
from topcoat.core.odata.evaluate import Subject

RECORD = {
    "Text": "Straße 7",
    "Whole": 7,
    "Number": 0.1,
    "Flag": True,
    "Day": "2026-02-28",
    "Instant": "2026-02-28T10:30:05.250000Z",
}


def value_of(text, record=RECORD, *, segments=()):
    tree = binding.bind_expression(parser.parse_filter(text), TABLE, option="$filter")
    return evaluate.compile_value(tree, TABLE)(Subject(record, make.NOW, frozenset(segments)))


def verdict(tree, subject):
    return evaluate.compile_filter(binding.bind_filter(tree, TABLE), TABLE)(subject)
