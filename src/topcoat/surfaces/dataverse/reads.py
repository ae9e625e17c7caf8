"""Rows of tables: pages, one by its key, their number, and what belongs to them."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from topcoat.core import errors, row_guids
from topcoat.core.catalog import CUSTOMER, CUSTOMER_ID, UNIFIED_ACTIVITY, Document, TableKind, shown
from topcoat.core.odata import syntax
from topcoat.core.odata.address import RecordAddress
from topcoat.core.odata.options import QueryOptions
from topcoat.core.odata.syntax import Expression, Operator
from topcoat.flows.query.paging import Page
from topcoat.surfaces.dataverse.call import Call
from topcoat.surfaces.dataverse.conditions import Translator, get_column
from topcoat.surfaces.dataverse.names import DataverseColumn, DataverseTable, Role
from topcoat.surfaces.dataverse.paging import Cookie
from topcoat.surfaces.dataverse.preferences import PAGE_MAX
from topcoat.surfaces.dataverse.questions import NO_TEXTS, Asker, Expansion, Question, Texts
from topcoat.surfaces.dataverse.resource import Segment
from topcoat.surfaces.dataverse.rows import RowMaker

IDS_MAX: Final = 1000
_Wanted = tuple[str, uuid.UUID]


@dataclass(frozen=True, slots=True)
class Rows:
    """A page of them, as they are shown."""

    rows: list[dict[str, Any]]
    count: int | None
    next_token: str | None


class Reader:
    """Answers questions about one call's instance."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._found: dict[_Wanted, tuple[str, ...]] = {}

    async def ask(self, table: DataverseTable, texts: Texts, cookie: Cookie | None = None) -> Question:
        """The question that options make; GUIDs that only a search can tell are looked for."""
        while True:
            missing: set[_Wanted] = set()
            asker = Asker(self._call.tables, self._keys_of(missing), cookie.now if cookie else self._call.now)
            page_size, token = self._call.preferences.page_size, cookie.token if cookie else None
            question = asker.ask(table, texts, page_size=page_size, skiptoken=token)
            if texts.partition is not None:
                question = narrowed(question, self._in_partition(table, texts.partition))
            if not missing:
                return question
            await self._find(missing)

    async def read(self, question: Question) -> Rows:
        page = await self._page(question.table, question.options)
        rows = await self._rows(question, page.records)
        return Rows(rows, page.count, page.next_token)

    async def count(self, question: Question) -> int:
        flows, options = self._call.flows, question.options
        if _is_of_rows(question.table):
            return await flows.customer_rows.count_rows(self._call.instance, question.table.source, options)
        return await flows.query.count_records(self._call.instance, RecordAddress(question.table.source.name), options)

    async def find_record(self, table: DataverseTable, key: Segment, texts: Texts = NO_TEXTS) -> Document:
        """The one of a key, of a partition where that is named as well; raise `RecordNotFound`."""
        condition = await self._condition_of(table, key)
        if texts.partition is not None:
            condition = syntax.And((condition, self._in_partition(table, texts.partition)))
        options = QueryOptions(filter=condition, standing=True, page_size=1, as_of=texts.as_of)
        page = await self._page(table, options)
        if not page.records:
            named = ", ".join(f"{name}={value}" for name, value in key.arguments.items())
            raise errors.RecordNotFound(table=table.logical, record_id=shown(str(key.guid or named)))
        return page.records[0]

    async def row(self, question: Question, record: Document) -> dict[str, Any]:
        """One record as the question wants it shown."""
        return (await self._rows(question, [record]))[0]

    async def _rows(self, question: Question, records: Sequence[Document]) -> list[dict[str, Any]]:
        rows = self.maker(question.table).rows(records, question.shown)
        for expansion in question.expansions:
            await self._expand(expansion, records, rows)
        return rows

    def maker(self, table: DataverseTable) -> RowMaker:
        call = self._call
        return RowMaker(table, call.tables.profiles, call.preferences, call.now, call.refreshed_at)

    async def _expand(self, expansion: Expansion, records: Sequence[Document], rows: Sequence[dict[str, Any]]) -> None:
        ids = list(dict.fromkeys(record[CUSTOMER_ID] for record in records))
        found = await self._belonging(expansion, ids)
        inner = [record for belonging in found.values() for record in belonging]
        shown_rows = iter(await self._rows(expansion.question, inner))
        by_id = {customer_id: [next(shown_rows) for _ in belonging] for customer_id, belonging in found.items()}
        for record, row in zip(records, rows, strict=True):
            belonging = by_id.get(record[CUSTOMER_ID], [])
            row[expansion.navigation] = next(iter(belonging), None) if expansion.is_of_profile else belonging

    async def _belonging(self, expansion: Expansion, ids: Sequence[str]) -> dict[str, list[Document]]:
        """By CustomerId the records that an expansion shows of it."""
        question, call = expansion.question, self._call
        if expansion.is_of_profile:
            profiles = await self._profiles(ids, question.options.as_of)
            return {record[CUSTOMER_ID]: [record] for record in profiles}
        options = replace(question.options, page_size=PAGE_MAX)
        if _is_of_rows(question.table):
            return await call.flows.customer_rows.list_rows_of(call.instance, question.table.source, ids, options)
        found: dict[str, list[Document]] = {}
        for customer_id in ids:
            address = RecordAddress(CUSTOMER, key=customer_id, navigation=UNIFIED_ACTIVITY)
            found[customer_id] = (await call.flows.query.read_records(call.instance, address, options)).records
        return found

    async def _profiles(self, ids: Sequence[str], as_of: str | None) -> list[Document]:
        found: list[Document] = []
        for first in range(0, len(ids), IDS_MAX):
            some = tuple(map(syntax.String, ids[first : first + IDS_MAX]))
            named = syntax.In(_CUSTOMER, some)
            options = QueryOptions(filter=named, standing=True, page_size=IDS_MAX, as_of=as_of)
            found += (await self._page(self._call.tables.profiles, options)).records
        return found

    async def _page(self, table: DataverseTable, options: QueryOptions) -> Page:
        flows, instance = self._call.flows, self._call.instance
        if _is_of_rows(table):
            return await flows.customer_rows.read_rows(instance, table.source, options)
        return await flows.query.read_records(instance, RecordAddress(table.source.name), options)

    async def _condition_of(self, table: DataverseTable, key: Segment) -> Expression:
        """The condition that a key is; raise `OptionInvalid` for one that may name several records."""
        named = {table.primary_id: str(key.guid)} if key.guid is not None else dict(key.arguments)
        _check_key(table, named)
        while True:
            missing: set[_Wanted] = set()
            translator = Translator(table, self._keys_of(missing), f"the key of {table.entity_set}")
            terms = [translator.translate(_equals(name, value)) for name, value in named.items()]
            if not missing:
                return terms[0] if len(terms) == 1 else syntax.And(tuple(terms))
            await self._find(missing)

    def _in_partition(self, table: DataverseTable, partition: str) -> Expression:
        translator = Translator(table, self._keys_of(set()), "partitionId")
        return translator.translate(_equals("partitionid", partition))

    def _keys_of(self, missing: set[_Wanted]) -> Any:
        def keys_of(table: DataverseTable, column: DataverseColumn, guid: uuid.UUID) -> tuple[str, ...]:
            if column.role is Role.ROW_ID and _is_of_rows(table):
                return (str(guid),)
            possible = row_guids.keys_of(guid)
            if not possible.is_digest:
                return possible.keys
            wanted = (table.source.name if column.role is Role.ROW_ID else CUSTOMER, guid)
            if wanted not in self._found:
                missing.add(wanted)
            return possible.keys + self._found.get(wanted, ())

        return keys_of

    async def _find(self, missing: Iterable[_Wanted]) -> None:
        for table, guid in missing:
            self._found[table, guid] = tuple(await self._call.flows.query.find_keys(self._call.instance, table, guid))


def narrowed(question: Question, condition: Expression) -> Question:
    """The question with one more condition."""
    tree = question.options.filter
    both = condition if tree is None else syntax.And((condition, tree))
    return replace(question, options=replace(question.options, filter=both))


def of_customer(question: Question, customer_id: str) -> Question:
    """The question about what belongs to one customer."""
    return narrowed(question, syntax.Comparison(_CUSTOMER, Operator.EQ, syntax.String(customer_id)))


_CUSTOMER: Final = syntax.Column(CUSTOMER_ID)


def _equals(name: str, value: str) -> Expression:
    return syntax.Comparison(syntax.Column(name), Operator.EQ, syntax.String(value))


def _is_of_rows(table: DataverseTable) -> bool:
    return table.source.kind is TableKind.CUSTOMER_ROW


def _check_key(table: DataverseTable, named: dict[str, str]) -> None:
    keys = [table.primary_id, *(column.name for column in table.alternate_keys)]
    for name in named:
        get_column(table, name)
    if set(named) - {"partitionid"} not in [{key} for key in keys]:
        reason = f"names {', '.join(named)}; expected one of {', '.join(keys)}, and partitionid beside it if you like"
        raise errors.OptionInvalid(option=f"The key of {table.entity_set}", reason=reason)
