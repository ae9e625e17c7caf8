"""Reading the tables: `GET` on sets, on rows, on their columns and on what belongs to them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
from starlette.responses import Response

from topcoat.core import errors
from topcoat.core.catalog import CUSTOMER_ID, Document
from topcoat.surfaces.dataverse import paging, questions, reads, rows
from topcoat.surfaces.dataverse.call import Call, json_answer
from topcoat.surfaces.dataverse.names import DataverseTable
from topcoat.surfaces.dataverse.questions import Question, Texts
from topcoat.surfaces.dataverse.reads import Reader
from topcoat.surfaces.dataverse.resource import Segment, not_found

COUNT_MAX: Final = 5000
_TOTAL: Final = "Microsoft.Dynamics.CRM.totalrecordcount"
_TOTAL_EXCEEDED: Final = "Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"


@dataclass(frozen=True, slots=True)
class _Place:
    """What a read is of: rows of a table, of one customer where `customer_id` is there; `key` is of one row."""

    table: DataverseTable
    key: Segment | None = None
    customer_id: str | None = None


async def read(call: Call, table: DataverseTable, segments: Sequence[Segment]) -> Response:
    """`segments` begin with the table's own; what follows it is a column, a navigation, or `$count`."""
    first, *rest = segments
    if first.has_parentheses and not first.has_key:
        raise not_found(f"{first.name}()")
    texts = questions.read_texts(call.items)
    place = _Place(table, first if first.has_key else None)
    if place.key is None:
        return await _rows_of(call, place, rest, texts)
    return await _row_of(call, place, rest, texts)


async def _rows_of(call: Call, place: _Place, rest: Sequence[Segment], texts: Texts) -> Response:
    if not rest:
        return await _list(call, place, texts)
    if [segment.name for segment in rest] == ["$count"]:
        return await _count(call, place, texts)
    raise not_found(rest[0].name)


async def _row_of(call: Call, place: _Place, rest: Sequence[Segment], texts: Texts) -> Response:
    """One row, or what follows it."""
    assert place.key is not None
    reader = Reader(call)
    if not rest:
        question = await reader.ask(place.table, replace(texts, options=_of_one(texts.options)))
        record = await reader.find_record(place.table, place.key, texts)
        return await _row_answer(call, question, record)
    navigated = questions.find_navigation(call.tables, place.table, rest[0].name)
    record = await reader.find_record(place.table, place.key, texts)
    if navigated is None:
        return _column(call, place, rest, record)
    if rest[0].has_parentheses:
        raise not_found(rest[0].name)
    if navigated.is_profiles:
        return await _profile(call, navigated, record, rest[1:], texts)
    return await _rows_of(call, _Place(navigated, customer_id=record[CUSTOMER_ID]), rest[1:], texts)


async def _profile(
    call: Call, profiles: DataverseTable, row: Document, rest: Sequence[Segment], texts: Texts
) -> Response:
    if rest:
        raise not_found(rest[0].name)
    reader = Reader(call)
    question = await reader.ask(profiles, replace(texts, options=_of_one(texts.options)))
    key = Segment(profiles.entity_set, arguments={_customer_id_column(profiles): row[CUSTOMER_ID]})
    return await _row_answer(call, question, await reader.find_record(profiles, key, replace(texts, partition=None)))


def _customer_id_column(profiles: DataverseTable) -> str:
    return next(column.name for column in profiles.alternate_keys if column.source == CUSTOMER_ID)


async def check_options_of_one(call: Call, table: DataverseTable) -> None:
    """Raise what is wrong with a call's options where they are about one row."""
    texts = questions.read_texts(call.items)
    await Reader(call).ask(table, replace(texts, options=_of_one(texts.options)))


def _of_one(options: dict[str, str]) -> dict[str, str]:
    """What shapes one row; what chooses among several is refused."""
    for name in options:
        if name not in ("$select", "$expand"):
            raise errors.OptionInvalid(option=name, reason="does not apply to one row")
    return options


async def _list(call: Call, place: _Place, texts: Texts) -> Response:
    written = texts.options.get("$skiptoken")
    cookie = None if written is None else paging.read_cookie(written)
    reader = Reader(call)
    question = await reader.ask(place.table, texts, cookie)
    if place.customer_id is not None:
        question = reads.of_customer(question, place.customer_id)
    found = await reader.read(question)
    envelope = {"@odata.context": _context(call, question)} | _counted(call, found.count) | {"value": found.rows}
    if found.next_token is not None:
        page = 2 if cookie is None else cookie.number + 1
        now = call.now if cookie is None else cookie.now
        envelope["@odata.nextLink"] = paging.next_link(
            call.address, call.path, call.items, found.next_token, page=page, now=now
        )
    return json_answer(envelope)


async def _count(call: Call, place: _Place, texts: Texts) -> Response:
    reader = Reader(call)
    question = await reader.ask(place.table, texts)
    if place.customer_id is not None:
        question = reads.of_customer(question, place.customer_id)
    number = min(await reader.count(question), COUNT_MAX)
    return Response(str(number).encode(), media_type="text/plain")


def _counted(call: Call, count: int | None) -> dict[str, Any]:
    """Nothing is counted beyond a limit, which whoever asks is told of."""
    counted: dict[str, Any] = {}
    if call.preferences.includes(_TOTAL):
        counted[f"@{_TOTAL}"] = -1 if count is None else min(count, COUNT_MAX)
    if call.preferences.includes(_TOTAL_EXCEEDED):
        counted[f"@{_TOTAL_EXCEEDED}"] = count is not None and count > COUNT_MAX
    return counted if count is None else {"@odata.count": min(count, COUNT_MAX)} | counted


def _context(call: Call, question: Question, ending: str = "") -> str:
    is_whole = question.shown == question.table.columns
    names = "" if is_whole else f"({','.join(column.shown_name for column in question.shown)})"
    return f"{call.address}/$metadata#{question.table.entity_set}{names}{ending}"


async def _row_answer(call: Call, question: Question, record: Document) -> Response:
    tag = rows.etag(rows.version_of(record))
    is_conditional = not question.expansions and not call.preferences.annotations
    if is_conditional and tag in [given.strip() for given in call.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers={"ETag": tag})
    row = await Reader(call).row(question, record)
    return json_answer({"@odata.context": _context(call, question, "/$entity"), **row}, headers={"ETag": tag})


def _column(call: Call, place: _Place, rest: Sequence[Segment], record: Document) -> Response:
    """One value: as JSON, or with `$value` behind it as text; 204 where there is none."""
    name, *ending = [segment.name for segment in rest]
    column = place.table.by_name.get(name)
    if column is None or ending not in ([], ["$value"]):
        raise not_found(name if column is None else ending[0])
    [row] = Reader(call).maker(place.table).rows([record], [column])
    value = row[column.shown_name]
    if value is None:
        return Response(status_code=204)
    if ending:
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        return Response(text.encode(), media_type="text/plain")
    key = rows.row_id(record, place.table)
    context = f"{call.address}/$metadata#{place.table.entity_set}({key})/{name}"
    return json_answer({"@odata.context": context, "value": value})
