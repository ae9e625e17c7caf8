"""What a card shows of a timeline: pages, newest first, by type, time and words."""

from typing import Any, Final

import orjson
from starlette.responses import Response

from topcoat.core import catalog, errors
from topcoat.core.catalog import CUSTOMER, UNIFIED_ACTIVITY, Document
from topcoat.core.odata import lexer, syntax
from topcoat.core.odata.address import RecordAddress
from topcoat.core.odata.options import QueryOptions
from topcoat.core.odata.syntax import Column, Expression, Function, Operator
from topcoat.flows.query.reading import EXPLANATION
from topcoat.surfaces import answers
from topcoat.surfaces.customer_card.call import Call, read_number

PAGE_DEFAULT: Final = 20
PAGE_MAX: Final = 100
WORDS_LENGTH_MAX: Final = 200
SEARCHED: Final = ("Title", "Description", "ActivityName", "ActivityTypeDisplay")
_SHOWN: Final = {
    "id": "ActivityId",
    "time": "ActivityTime",
    "type": "ActivityType",
    "typeDisplay": "ActivityTypeDisplay",
    "name": "ActivityName",
    "title": "Title",
    "description": "Description",
    "url": "ExternalUrl",
    "table": "EntityName",
}
_KEPT: Final = ("source", "caller", "principal", "recordedAt", "validUntil")


async def read_timeline(call: Call) -> Response:
    token = call.parameters.get("skiptoken") or None
    options = QueryOptions(
        filter=_condition(call),
        skiptoken=token,
        explain=True,
        as_of=call.as_of,
        page_size=read_number(call.parameters, "top", default=PAGE_DEFAULT, most=PAGE_MAX),
    )
    address = RecordAddress(CUSTOMER, key=call.customer_id, navigation=UNIFIED_ACTIVITY)
    page = await call.flows.query.read_records(call.instance, address, options)
    body: dict[str, Any] = {"activities": [_shown(record) for record in page.records]}
    if token is None:
        body["types"] = await _types(call)
    shown = orjson.dumps(body)  # a token is another one each time
    body["next"] = page.next_token
    return answers.conditional_answer(call.request.headers, orjson.dumps(body), shown=shown)


def _shown(record: Document) -> dict[str, Any]:
    explained = record[EXPLANATION]
    source = {name: explained[name] for name in _KEPT if name in explained}
    return {name: record[column] for name, column in _SHOWN.items()} | {"source": source}


async def _types(call: Call) -> list[dict[str, Any]]:
    counts = await call.flows.inventory.count_activities(call.instance, call.customer_id)
    return [{"type": c.activity_type, "display": c.display, "count": c.count} for c in counts.types]


def _condition(call: Call) -> Expression | None:
    terms = [*_of_type(call), *_since(call, "from", Operator.GE), *_since(call, "to", Operator.LT), *_with_words(call)]
    return syntax.all_of(terms)


def _of_type(call: Call) -> list[Expression]:
    type_ = call.parameters.get("type")
    if not type_:
        return []
    lexer.check_text(type_, "type")
    return [syntax.Comparison(Column("ActivityType"), Operator.EQ, syntax.String(type_))]


def _since(call: Call, name: str, operator: Operator) -> list[Expression]:
    text = call.parameters.get(name)
    if not text:
        return []
    try:
        instant = catalog.parse_instant(text)
    except ValueError:
        expected = "a date-time such as 2026-12-24T18:00:00Z"
        raise errors.ParameterInvalid(parameter=name, found=f"'{catalog.shown(text)}'", expected=expected) from None
    return [syntax.Comparison(Column("ActivityTime"), operator, syntax.DateTime(instant))]


def _with_words(call: Call) -> list[Expression]:
    """Each word in some of the texts, whatever its case."""
    text = call.parameters.get("search", "")
    lexer.check_text(text, "search")
    words = text[:WORDS_LENGTH_MAX].lower().split()
    return [syntax.Or(tuple(_contains(column, word) for column in SEARCHED)) for word in words]


def _contains(column: str, word: str) -> Expression:
    folded = syntax.Call(Function.TOLOWER, (Column(column),))
    return syntax.Call(Function.CONTAINS, (folded, syntax.String(word)))
