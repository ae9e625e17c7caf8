"""What the customers found have in common: the values of some columns, with how many have each.

Counted are those of one read, `LOOKED_AT` at most, so that the work is bounded whatever there is.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from topcoat.core.catalog import Column, ColumnType, Document
from topcoat.flows.query.plan import PAGE_MAX
from topcoat.surfaces.customer_card.finding import FACET_TYPES, Directory, Question

LOOKED_AT: Final = PAGE_MAX
FACETS_MAX: Final = 6
VALUES_SHOWN_MAX: Final = 8
VALUE_LENGTH_MAX: Final = 100
_FILTERABLE: Final = (ColumnType.STRING, ColumnType.BOOLEAN)


@dataclass(frozen=True, slots=True)
class FacetValue:
    """`text` is as an address names the value; empty where customers have none."""

    text: str
    count: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    column: str
    is_boolean: bool
    values: tuple[FacetValue, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """`number` of customers, or of those looked at where `has_more`."""

    number: int
    has_more: bool
    facets: tuple[Facet, ...]


async def count(directory: Directory, question: Question) -> Overview:
    """A column's own choice does not narrow what it counts, so that others can be added to it."""
    whole = replace(question, skiptoken=None, top=LOOKED_AT)
    page = await directory.find(whole)
    facets = []
    for column in _columns(directory, question):
        chosen = question.values.get(column.name, ())
        records = page.records
        if chosen:
            records = (await directory.find(whole.without(column.name))).records
        facets.append(_facet(directory, column, records, chosen))
    shown = tuple(facet for facet in facets if facet.values)
    return Overview(len(page.records), page.next_token is not None, shown[:FACETS_MAX])


def _columns(directory: Directory, question: Question) -> list[Column]:
    """What is chosen, facets as configured, then what can be filtered by; keys tell customers apart, and are none."""
    chosen = [column for column in directory.table.columns if column.name in question.values]
    facetable, filterable = [], []
    for column in directory.table.columns:
        indexed = directory.configuration.find_column(column.name)
        if indexed is None or column.is_key or column in chosen:
            continue
        if indexed.is_facetable and column.type in FACET_TYPES:
            facetable.append(column)
        elif indexed.is_filterable and column.type in _FILTERABLE:
            filterable.append(column)
    return chosen + facetable + filterable


def _facet(directory: Directory, column: Column, records: Sequence[Document], chosen: Sequence[str]) -> Facet:
    counts = Counter(_text(record[column.name]) for record in records if record[column.name] != "")
    found = {text: number for text, number in counts.most_common() if len(text) <= VALUE_LENGTH_MAX}
    indexed = directory.configuration.find_column(column.name)
    is_facetable = indexed is not None and indexed.is_facetable
    is_telling = set(found) != {""} and (is_facetable or max(found.values(), default=0) > 1)
    shown = list(found)[:VALUES_SHOWN_MAX] if is_telling else []
    shown += [text for text in chosen if text not in shown]
    values = tuple(FacetValue(text, counts[text], text in chosen) for text in shown)
    return Facet(column.name, column.type is ColumnType.BOOLEAN, values)


def _text(value: Any) -> str:
    """As an address names it: empty where there is no value."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
