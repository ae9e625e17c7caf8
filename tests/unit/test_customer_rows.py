"""Rows made of what a snapshot has of customers."""

import uuid

import pytest

from tests import make
from topcoat.core import customer_rows, row_guids
from topcoat.core.catalog import Column, ColumnType, Contents, Document, Table, TableKind

SALES = make.source_table()
MEASURES = make.table(
    name="Customer_Measure",
    kind=TableKind.CUSTOMER_MEASURE,
    columns=(Column("CustomerId", is_key=True), Column("Spend", ColumnType.DECIMAL), Column("Città")),
)


def output(contents: Contents) -> Table:
    columns = (Column("Id", ColumnType.INTEGER, is_key=True), Column("CustomerId"), Column("Score", ColumnType.DECIMAL))
    return Table("Churn", TableKind.SOURCE, columns, "Id", contents=contents, maker="Sooth", is_kept=True)


ROWS = [
    (
        customer_rows.ALTERNATE_KEYS,
        customer_rows.make_alternate_key(SALES, "P-1", "a", {"PoS_posPurchases": ["P-1", "P-2"], "Web_é": ["ü"]}),
        {
            "RowId": str(row_guids.guid_of("P-1", "alternatekey/PoS_posPurchases")),
            "Identifier": "PoS|posPurchases|P-1",
            "CustomerId": "a",
            "DataSourceName": "PoS",
            "EntityName": "posPurchases",
            "AlternateValue": "P-1",
            "KeyRing": '{"PoS_posPurchases":["P-1","P-2"],"Web_é":["ü"]}',
        },
    ),
    (
        customer_rows.SEGMENT_MEMBERSHIPS,
        customer_rows.make_segment_membership("a", {"Zoë", 'B "x"', "A"}),
        {
            "RowId": str(row_guids.guid_of("a", "segmentmembership")),
            "Identifier": "a|CustomerInsights|Customer|Segments",
            "CustomerId": "a",
            "SegmentProvider": "CustomerInsights",
            "SegmentMembershipType": "Customer",
            "Segments": '["A","B \\"x\\"","Zoë"]',
        },
    ),
    (
        customer_rows.MEASURES,
        customer_rows.make_customer_measure(MEASURES, {"CustomerId": "a", "Spend": 2.5}),
        {
            "RowId": str(row_guids.guid_of("a", "customermeasure")),
            "Identifier": "Customer_Measure|a",
            "CustomerId": "a",
            "Measures": '[{"Name":"Spend","Value":2.5},{"Name":"Città","Value":null}]',
        },
    ),
    (
        customer_rows.ENRICHMENTS,
        customer_rows.make_output(output(Contents.ENRICHMENT), "7", "a", {"Id": 7, "CustomerId": "old"}),
        {
            "RowId": str(row_guids.guid_of("7", "enrichment/Churn")),
            "Identifier": "Sooth|Churn|a",
            "CustomerId": "a",
            "EnrichmentProvider": "Sooth",
            "EnrichmentType": "Churn",
            "Values": '{"Id":7,"Score":null}',
        },
    ),
    (
        customer_rows.PREDICTIONS,
        customer_rows.make_output(output(Contents.PREDICTION), "7", "a", {"Id": 7, "CustomerId": "a", "Score": 0.5}),
        {
            "RowId": str(row_guids.guid_of("7", "prediction/Churn")),
            "Identifier": "Churn|Sooth|a",
            "CustomerId": "a",
            "ModelProvider": "Sooth",
            "Model": "Churn",
            "Values": '{"Id":7,"Score":0.5}',
        },
    ),
]


@pytest.mark.parametrize(("table", "row", "expected"), ROWS, ids=[table.name for table, _, _ in ROWS])
def test_a_row_has_the_columns_of_its_table_in_order(table: Table, row: Document, expected: Document) -> None:
    assert row == expected
    assert list(row) == [column.name for column in table.columns]


@pytest.mark.parametrize(
    ("table", "row", "key", "source"),
    [
        (table, row, {"AlternateKey": "P-1", "Enrichment": "7", "Prediction": "7"}.get(table.name, "a"), source)
        for (table, row, _), source in zip(ROWS, ("PoS_posPurchases", "", "", "Churn", "Churn"), strict=True)
    ],
)
def test_a_row_id_leads_back_to_the_key_that_it_was_made_of(table: Table, row: Document, key: str, source: str) -> None:
    assert key in row_guids.keys_of(uuid.UUID(row["RowId"]), customer_rows.scope_of(table, source)).keys
