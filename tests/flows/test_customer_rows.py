"""Rows of what the snapshot has of customers: in one order, page by page, on both databases (S10, S18, S25, S27)."""

import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import INSTANCE, Service
from tests.flows import asking
from tests.flows.test_lifecycle import ADA, described
from topcoat.core import catalog, customer_rows, errors, row_guids
from topcoat.core.catalog import Document, Table
from topcoat.core.customer_rows import ALTERNATE_KEYS, ENRICHMENTS, MEASURES, PREDICTIONS, SEGMENT_MEMBERSHIPS
from topcoat.core.odata import syntax
from topcoat.core.odata.options import QueryOptions
from topcoat.core.odata.syntax import Expression, Function, Operator, OrderBy
from topcoat.flows.customer_rows import narrowing
from topcoat.flows.query import gathering, long_keys

LONG = "a customer with a name as long as ids can have"
ENVIRONMENT = """
instance: {id: c0ffee00-0000-4000-8000-000000000001, name: Contoso Coffee}
tables:
  Club_members: {primary_key: MemberId, columns: {MemberId: string}}
  Shop_buyers: {primary_key: BuyerId, columns: {BuyerId: string}}
unified:
  customer:
    file: customers.jsonl
    columns: {CustomerId: string, PreviousCustomerId: string, Club_members_MemberId: string}
  key_ring: {file: keys.jsonl}
  measures: {file: measures.jsonl, columns: {CustomerId: string, Spend: decimal, Visits: integer}}
  segments: {file: segments.jsonl}
enrichments:
  Interests:
    {file: interests.jsonl, provider: Contoso, primary_key: Id, columns: {Id: integer, CustomerId: string, Of: string}}
  Brands: {file: brands.jsonl, provider: Fabrikam, primary_key: Id, columns: {Id: string, CustomerId: string}}
predictions:
  Churn: {file: churn.jsonl, model: Sooth, primary_key: Id, columns: {Id: string, CustomerId: string, Score: decimal}}
"""
PEOPLE = ("a", "b", "c", LONG, f"{LONG}, or longer")
FILES: dict[str, list[dict[str, object]]] = {
    "customers": [{"CustomerId": id_, "PreviousCustomerId": "old" if id_ == "b" else None} for id_ in PEOPLE],
    "keys": [
        {"Table": "Shop_buyers", "Key": "s-1", "CustomerId": "a"},
        {"Table": "Shop_buyers", "Key": "s-2", "CustomerId": "old"},
        {"Table": "Club_members", "Key": "M-10", "CustomerId": "a"},
        {"Table": "Club_members", "Key": "M-9", "CustomerId": "a"},
        {"Table": "Club_members", "Key": "Ü member with a long number", "CustomerId": LONG},
    ],
    "measures": [{"CustomerId": "b", "Spend": 2.5}, {"CustomerId": "a", "Spend": 12.5, "Visits": 3}],
    "segments": [
        {"Segment": segment, "CustomerId": customer_id}
        for segment, members in {"Male_under_40": "ac", "Gold": "ab", "Empty": [None], "Old gold": "c"}.items()
        for customer_id in members
    ],
    "interests": [{"Id": number, "CustomerId": id_, "Of": "Tea"} for number, id_ in ((9, "a"), (10, "old"), (11, "b"))],
    "brands": [{"Id": "x", "CustomerId": "a"}],
    "churn": [{"Id": "p-1", "CustomerId": "old", "Score": 0.5}, {"Id": "p-2", "CustomerId": "a"}],
}


def environment(folder: Path, **files: list[dict[str, object]]) -> Path:
    for name, records in (FILES | files).items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    file = folder / "environment.yaml"
    file.write_text(ENVIRONMENT)
    return file


@pytest.fixture
async def peopled(service: Service, tmp_path: Path) -> Service:
    await service.refresh(environment(tmp_path))
    return service


async def read(service: Service, table: Table, filter_: Expression | None = None, **options: Any) -> list[Document]:
    """All pages, of two rows unless another size is given."""
    records: list[Document] = []
    asked = QueryOptions(filter=filter_, **({"page_size": 2} | options))
    while True:
        page = await service.flows.customer_rows.read_rows(INSTANCE, table, asked)
        assert len(page.records) <= (asked.page_size or 0)
        records += page.records
        if page.next_token is None:
            return records
        asked = QueryOptions(**({"filter": filter_, "page_size": 2} | options | {"skiptoken": page.next_token}))


async def count(service: Service, table: Table, filter_: Expression | None = None) -> int:
    return await service.flows.customer_rows.count_rows(INSTANCE, table, QueryOptions(filter=filter_))


def column(records: Sequence[Document], name: str) -> list[Any]:
    return [record[name] for record in records]


def equals(name: str, value: str) -> Expression:
    return syntax.Comparison(syntax.Column(name), Operator.EQ, syntax.String(value))


def folded(name: str) -> Expression:
    return syntax.Call(Function.TOLOWER, (syntax.Column(name),))


def contains(text: str, operand: Expression) -> Expression:
    return syntax.Call(Function.CONTAINS, (operand, syntax.String(text)))


def order(name: str, *, descending: bool = False) -> tuple[OrderBy, ...]:
    return (OrderBy(syntax.Column(name), descending=descending),)


IDENTIFIERS = {
    ALTERNATE_KEYS: [
        "Club|members|M-10",
        "Club|members|M-9",
        "Club|members|Ü member with a long number",
        "Shop|buyers|s-1",
        "Shop|buyers|s-2",
    ],
    SEGMENT_MEMBERSHIPS: [f"{id_}|CustomerInsights|Customer|Segments" for id_ in "abc"],
    MEASURES: ["Customer_Measure|a", "Customer_Measure|b"],
    ENRICHMENTS: [
        "Fabrikam|Brands|a",
        "Contoso|Interests|b",
        "Contoso|Interests|b",
        "Contoso|Interests|a",
    ],
    PREDICTIONS: ["Churn|Sooth|b", "Churn|Sooth|a"],
}


async def test_every_table_is_read_page_by_page_and_counted(peopled: Service) -> None:
    """S25; an alias leads to its survivor (S18)."""
    for table, identifiers in IDENTIFIERS.items():
        rows = await read(peopled, table)

        assert column(rows, "Identifier") == identifiers
        assert rows == await read(peopled, table, page_size=1000)
        assert {tuple(row) for row in rows} == {tuple(column.name for column in table.columns)}
        assert await count(peopled, table) == len(rows)
        backwards = await read(peopled, table, orderby=order("Identifier", descending=True))
        assert column(backwards, "Identifier") == sorted(identifiers, reverse=True)
        assert sorted(map(str, backwards)) == sorted(map(str, rows))


async def test_every_row_is_found_by_its_row_id_and_by_its_customer(peopled: Service) -> None:
    """S18, S24."""
    for table in IDENTIFIERS:
        rows = await read(peopled, table)
        for row in rows:
            assert await read(peopled, table, equals("RowId", row["RowId"])) == [row]
            assert row in await read(peopled, table, equals("CustomerId", row["CustomerId"]))
        of_b = [row for row in rows if row["CustomerId"] == "b"]
        by_alias = syntax.In(syntax.Column("CustomerId"), (syntax.String("old"), syntax.String("nobody")))
        assert await read(peopled, table, by_alias) == of_b
        assert await count(peopled, table, by_alias) == len(of_b)
        both = (syntax.String(rows[-1]["RowId"]), syntax.String(str(uuid.UUID(int=0))), syntax.String("none"))
        assert await read(peopled, table, syntax.In(syntax.Column("RowId"), both)) == rows[-1:]


MEMBERS = [
    (contains('"Gold"', syntax.Column("Segments")), "ab"),
    (contains('"gold"', folded("Segments")), "ab"),
    (contains('"gold"', syntax.Column("Segments")), ""),
    (syntax.Like(folded("Segments"), '%"male_under_40"%'), "ac"),
    (syntax.Like(folded("Segments"), '%"Nobody_under_40"%'), ""),
    (contains("old", folded("Segments")), "abc"),
    (contains('","', syntax.Column("Segments")), "ac"),
    (contains('["Gold","', syntax.Column("Segments")), "a"),
    (contains("]", syntax.Column("Segments")), "abc"),
    (syntax.And((contains("gold", folded("Segments")), contains("male", folded("Segments")))), "ac"),
    (syntax.Or((contains('"gold"', folded("Segments")), equals("Segments", "x"))), "ab"),
    (syntax.And((contains("gold", folded("Segments")), equals("CustomerId", "a"))), "a"),
    (syntax.Not(contains("gold", folded("Segments"))), ""),
]


async def test_members_of_segments_are_those_whose_list_has_the_text(peopled: Service) -> None:
    """Narrow ways lead to what the core keeps of all rows (S27)."""
    for tree, expected in MEMBERS:
        assert "".join(column(await read(peopled, SEGMENT_MEMBERSHIPS, tree), "CustomerId")) == expected
        assert await count(peopled, SEGMENT_MEMBERSHIPS, tree) == len(expected)


NAMES = st.text('aA",[]\\', min_size=1, max_size=3)


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True), st.text('aA",[]\\', max_size=4), st.booleans())
def test_no_list_with_a_text_is_without_the_segments_that_the_text_leads_to(
    names: list[str], text: str, is_folded: bool
) -> None:
    """S27."""
    listed = customer_rows.json_text(sorted(names))
    tree = contains(text, folded("Segments") if is_folded else syntax.Column("Segments"))

    found = narrowing.find_segments(tree, [*names, "other"])

    assert text not in (listed.lower() if is_folded else listed) or found is None or set(names).intersection(found)


QUESTIONS: list[tuple[Table, Expression, list[str]]] = [
    (ALTERNATE_KEYS, equals("DataSourceName", "Shop"), ["s-1", "s-2"]),
    (
        ALTERNATE_KEYS,
        syntax.Comparison(folded("EntityName"), Operator.EQ, syntax.String("members")),
        ["M-10", "M-9", "Ü"],
    ),
    (ALTERNATE_KEYS, syntax.Comparison(folded("AlternateValue"), Operator.EQ, syntax.String("m-9")), ["M-9"]),
    (ALTERNATE_KEYS, syntax.Like(folded("AlternateValue"), "ü%number"), ["Ü"]),
    (ALTERNATE_KEYS, contains('"M-9"', syntax.Column("KeyRing")), ["M-10", "M-9", "s-1"]),
    (ALTERNATE_KEYS, syntax.Comparison(syntax.Column("CustomerId"), Operator.NE, syntax.String("a")), ["Ü", "s-2"]),
    (ALTERNATE_KEYS, syntax.Boolean(value=False), []),
]


async def test_keys_are_found_by_what_they_are_and_where(peopled: Service) -> None:
    for table, tree, expected in QUESTIONS:
        found = column(await read(peopled, table, tree), "AlternateValue")
        assert [value.replace(" member with a long number", "") for value in found] == expected
        assert await count(peopled, table, tree) == len(expected)


async def test_outputs_are_found_by_who_made_them(peopled: Service) -> None:
    by_provider = await read(peopled, ENRICHMENTS, equals("EnrichmentProvider", "Contoso"))
    by_model = syntax.Comparison(folded("ModelProvider"), Operator.EQ, syntax.String("sooth"))

    assert column(by_provider, "Values") == [f'{{"Id":{number},"Of":"Tea"}}' for number in (10, 11, 9)]
    assert await count(peopled, ENRICHMENTS, equals("EnrichmentProvider", "Contoso")) == 3
    assert column(await read(peopled, PREDICTIONS, by_model), "Values") == [
        '{"Id":"p-1","Score":0.5}',
        '{"Id":"p-2","Score":null}',
    ]


async def test_top_and_skip_cut_out_of_any_order_and_a_page_tells_the_number(peopled: Service) -> None:
    flow = peopled.flows.customer_rows
    whole = await read(peopled, ALTERNATE_KEYS)
    by_customer = sorted(whole, key=lambda row: row["CustomerId"])

    assert await read(peopled, ALTERNATE_KEYS, top=3) == whole[:3]
    assert await read(peopled, ALTERNATE_KEYS, skip=1, top=3) == whole[1:4]
    assert await read(peopled, ALTERNATE_KEYS, orderby=order("CustomerId")) == by_customer
    assert await read(peopled, MEASURES, orderby=order("CustomerId")) == await read(peopled, MEASURES)
    assert await read(peopled, ALTERNATE_KEYS, orderby=order("CustomerId"), skip=1, top=3) == by_customer[1:4]
    counted = await flow.read_rows(INSTANCE, ALTERNATE_KEYS, QueryOptions(top=0, count=True, page_size=2))
    assert (counted.records, counted.count, counted.next_token) == ([], 5, None)


async def test_the_rows_of_some_customers_come_by_customer(peopled: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "CHUNK_MAX", 2)
    flow = peopled.flows.customer_rows

    async def of(table: Table, *ids: str, **options: Any) -> dict[str, list[str]]:
        found = await flow.list_rows_of(INSTANCE, table, ids, QueryOptions(page_size=1000, **options))
        return {customer_id: column(rows, "Identifier") for customer_id, rows in found.items()}

    keys = ["Club|members|M-10", "Club|members|M-9", "Shop|buyers|s-1"]
    assert await of(ALTERNATE_KEYS, "b", "a", "nobody") == {"a": keys, "b": ["Shop|buyers|s-2"]}
    assert await of(ALTERNATE_KEYS, "a", orderby=order("Identifier", descending=True), top=2) == {"a": keys[:0:-1]}
    assert await of(ALTERNATE_KEYS, "a", "b", filter=equals("CustomerId", "old")) == {"b": ["Shop|buyers|s-2"]}
    assert await of(ENRICHMENTS, "b", top=1) == {"b": ["Contoso|Interests|b"]}
    assert await of(SEGMENT_MEMBERSHIPS) == {}


async def test_rows_are_those_of_the_generation_that_a_page_or_an_instant_is_of(
    sqlite_service: Service, tmp_path: Path
) -> None:
    """S21, S25, S28."""
    await sqlite_service.refresh(environment(tmp_path))
    before, then = await read(sqlite_service, SEGMENT_MEMBERSHIPS), catalog.format_instant(asking.NOW)
    first = await sqlite_service.flows.customer_rows.read_rows(INSTANCE, SEGMENT_MEMBERSHIPS, QueryOptions(page_size=2))
    await sqlite_service.advance(asking.timedelta(hours=1))
    await sqlite_service.refresh(environment(tmp_path, segments=[{"Segment": "New", "CustomerId": "c"}]))

    later = QueryOptions(page_size=2, skiptoken=first.next_token)
    second = await sqlite_service.flows.customer_rows.read_rows(INSTANCE, SEGMENT_MEMBERSHIPS, later)

    assert first.records + second.records == before
    assert await read(sqlite_service, SEGMENT_MEMBERSHIPS, as_of=then) == before
    assert column(await read(sqlite_service, SEGMENT_MEMBERSHIPS), "Segments") == ['["New"]']


async def test_what_rows_cannot_be_asked_is_refused(sqlite_service: Service) -> None:
    """S32, S33."""
    flow = sqlite_service.flows.customer_rows
    keys = await flow.read_rows(INSTANCE, ALTERNATE_KEYS, QueryOptions(page_size=2))

    for table, options, error in (
        (SEGMENT_MEMBERSHIPS, QueryOptions(page_size=2, skiptoken=keys.next_token), errors.ContinuationInvalid),
        (ALTERNATE_KEYS, QueryOptions(segments=("Gold",)), errors.OptionInvalid),
        (ALTERNATE_KEYS, QueryOptions(filter=equals("Nix", "x")), errors.UnknownColumn),
        (ALTERNATE_KEYS, QueryOptions(orderby=(OrderBy(folded("KeyRing")),)), errors.NotSupported),
    ):
        with pytest.raises(error):
            await flow.read_rows(INSTANCE, table, options)


async def test_before_the_first_refresh_there_are_no_rows(sqlite_service: Service) -> None:
    made = await sqlite_service.flows.lifecycle.create(described(), ADA)

    for table in customer_rows.TABLES:
        page = await sqlite_service.flows.customer_rows.read_rows(made.guid, table, QueryOptions(count=True))
        assert (page.records, page.count, page.next_token) == ([], 0, None)


async def test_keys_too_long_for_their_guid_are_found_wherever_they_are(
    peopled: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_keys, "CHUNK_MAX", 1)
    posted, lapsing = "an activity of a long name", "é" * 50
    await asking.post(peopled, LONG, posted)
    await asking.post(peopled, "a", lapsing)
    find = peopled.flows.query.find_keys

    for customer_id in PEOPLE[3:]:
        assert await find(INSTANCE, "Customer", row_guids.guid_of(customer_id)) == [customer_id]
    assert await find(INSTANCE, "Customer", row_guids.guid_of(posted)) == []
    for activity_id in (posted, lapsing):
        assert await find(INSTANCE, "UnifiedActivity", row_guids.guid_of(activity_id)) == [activity_id]
