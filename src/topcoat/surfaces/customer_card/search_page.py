"""The page that finds customers: a form that works without a script, facets, and tiles, page by page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.responses import Response

from topcoat.core.catalog import CUSTOMER, CUSTOMER_ID, Document, Table
from topcoat.flows.query.reading import STANDING
from topcoat.surfaces.customer_card import facets, finding
from topcoat.surfaces.customer_card.finding import Directory, Question
from topcoat.surfaces.pages import column_roles
from topcoat.surfaces.pages.views import View

TEMPLATE: Final = "search.html"


@dataclass(frozen=True, slots=True)
class Tile:
    """`changes_back_at` is of a customer with live changes: when the next of them lapses."""

    address: str
    title: str
    lines: tuple[str, ...]
    changes_back_at: datetime | None


async def show_search(view: View) -> Response:
    question = finding.read_question(view.items)
    instance = await view.flows.instances.get_instance(view.instance)
    outlook = await view.flows.query.look(view.instance)
    shown: dict[str, Any] = {"instance": instance, "question": question, "directory": None, "back": view.here}
    table = outlook.catalog.tables_by_name.get(CUSTOMER)
    if table is None:
        return view.answer(TEMPLATE, shown)
    configuration = await view.flows.search_index.get_configuration(view.instance)
    directory = Directory(view.flows.query, view.instance, table, configuration)
    return view.answer(TEMPLATE, shown | {"directory": directory, **await _found(directory, question)})


async def _found(directory: Directory, question: Question) -> dict[str, Any]:
    settled, page = await directory.settle(question)
    overview = await facets.count(directory, settled)
    return {
        "settled": settled,
        "overview": overview,
        "tiles": [_tile(directory, record) for record in page.records],
        "next": None if page.next_token is None else f"?{_query(settled, page.next_token)}",
        "first": f"?{_query(settled, None)}",
        "searchable": [column.name for column in _suggested(directory.table)],
    }


def _query(question: Question, skiptoken: str | None) -> str:
    items = [("q", question.words)] if question.words else []
    items += [(f"{finding.VALUE_PREFIX}{name}", text) for name, texts in question.values.items() for text in texts]
    if question.manner is not finding.Manner.WORDS:
        items.append(("by", question.manner.value))
    if question.top != finding.PAGE_DEFAULT:
        items.append(("top", str(question.top)))
    if skiptoken is not None:
        items.append(("skiptoken", skiptoken))
    return urlencode(items)


def _tile(directory: Directory, record: Document) -> Tile:
    shown = [_line(record, column.name) for column in column_roles.shown_columns(directory.table)]
    standing = record[STANDING]
    return Tile(
        f"/card/{directory.instance}/{quote(str(record[CUSTOMER_ID]), safe='')}",
        column_roles.shortened(column_roles.title_of(directory.table, record)),
        tuple(line for line in shown if line),
        None if standing is None else standing.lapses_at,
    )


def _line(record: Mapping[str, Any], name: str) -> str:
    return "" if record[name] is None else column_roles.shortened(str(record[name]))


def _suggested(table: Table) -> list[Any]:
    """What is worth to be searched, where nothing is yet."""
    named = [column for column in column_roles.named_columns(table) if column.name != CUSTOMER_ID]
    return named + column_roles.shown_columns(table)
