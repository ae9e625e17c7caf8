"""Tables whose rows are made from what a snapshot has of its customers (S10), in Dataverse's shape.

`RowId` is the GUID of a row, as text; it identifies the row, whatever its `Identifier` is.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from topcoat.core import catalog, row_guids
from topcoat.core.catalog import CUSTOMER_ID, Column, Contents, Document, Table, TableKind

ROW_ID: Final = "RowId"
ALTERNATE_VALUE: Final = "AlternateValue"
SEGMENTS: Final = "Segments"


def _table(name: str, *columns: str) -> Table:
    names = (ROW_ID, "Identifier", CUSTOMER_ID, *columns)
    return Table(
        name=name,
        kind=TableKind.CUSTOMER_ROW,
        primary_key=ROW_ID,
        columns=tuple(Column(column, is_key=column == ROW_ID) for column in names),
    )


ALTERNATE_KEYS: Final = _table("AlternateKey", "DataSourceName", "EntityName", ALTERNATE_VALUE, "KeyRing")
SEGMENT_MEMBERSHIPS: Final = _table("SegmentMembership", "SegmentProvider", "SegmentMembershipType", SEGMENTS)
MEASURES: Final = _table("CustomerMeasure", "Measures")
ENRICHMENTS: Final = _table("Enrichment", "EnrichmentProvider", "EnrichmentType", "Values")
PREDICTIONS: Final = _table("Prediction", "ModelProvider", "Model", "Values")
TABLES: Final = (ALTERNATE_KEYS, SEGMENT_MEMBERSHIPS, MEASURES, ENRICHMENTS, PREDICTIONS)

SEGMENT_PROVIDER: Final = "CustomerInsights"
MEMBERSHIP_TYPE: Final = "Customer"


def scope_of(table: Table, source: str = "") -> str:
    """What keeps the keys of a source table apart from others in the GUIDs of rows; see `row_guids`."""
    name = table.name.lower()
    return f"{name}/{source}" if source else name


def alternate_key_names(source: Table) -> Document:
    """What all alternate keys of a source table have in common."""
    return {"DataSourceName": source.data_source, "EntityName": source.plain_name}


def make_alternate_key(source: Table, key: str, customer_id: str, key_ring: Mapping[str, Sequence[str]]) -> Document:
    """`key_ring` has all keys of the customer by qualified table name."""
    identifier = (source.data_source or "", source.plain_name, key)
    values = alternate_key_names(source) | {ALTERNATE_VALUE: key, "KeyRing": json_text(key_ring)}
    return _row(_row_id(ALTERNATE_KEYS, key, source.name), identifier, customer_id, values)


def membership_names() -> Document:
    return {"SegmentProvider": SEGMENT_PROVIDER, "SegmentMembershipType": MEMBERSHIP_TYPE}


def make_segment_membership(customer_id: str, segments: Iterable[str]) -> Document:
    """The one row of a customer, whatever the number of segments."""
    identifier = (customer_id, SEGMENT_PROVIDER, MEMBERSHIP_TYPE, SEGMENTS)
    values = membership_names() | {SEGMENTS: json_text(sorted(segments))}
    return _row(_row_id(SEGMENT_MEMBERSHIPS, customer_id), identifier, customer_id, values)


def make_customer_measure(table: Table, measured: Document) -> Document:
    """Of a record of Customer_Measure, its measures in the order of the table's columns."""
    record, customer_id = catalog.complete_record(table, measured), measured[CUSTOMER_ID]
    pairs = [{"Name": name, "Value": value} for name, value in record.items() if name != CUSTOMER_ID]
    identifier = (catalog.CUSTOMER_MEASURE, customer_id)
    return _row(_row_id(MEASURES, customer_id), identifier, customer_id, {"Measures": json_text(pairs)})


def output_names(source: Table) -> Document:
    """What all rows made of an output table, an enrichment or a prediction, have in common."""
    if source.contents is Contents.ENRICHMENT:
        return {"EnrichmentProvider": source.maker, "EnrichmentType": source.name}
    return {"ModelProvider": source.maker, "Model": source.name}


def make_output(source: Table, key: str, customer_id: str, output: Document) -> Document:
    """Of a record of an output table, whose CustomerId may name the customer by an alias."""
    is_enrichment, maker = source.contents is Contents.ENRICHMENT, source.maker or ""
    table, names = (ENRICHMENTS, (maker, source.name)) if is_enrichment else (PREDICTIONS, (source.name, maker))
    record = catalog.complete_record(source, output)
    others = {name: value for name, value in record.items() if name != CUSTOMER_ID}
    values = output_names(source) | {"Values": json_text(others)}
    return _row(_row_id(table, key, source.name), (*names, customer_id), customer_id, values)


def json_text(value: Any) -> str:
    """A value as columns of JSON have it."""
    return _ENCODER.encode(value)


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _row(row_id: str, identifier: Sequence[str], customer_id: str, values: Document) -> Document:
    return {ROW_ID: row_id, "Identifier": "|".join(identifier), CUSTOMER_ID: customer_id, **values}


def _row_id(table: Table, key: str, source: str = "") -> str:
    return str(row_guids.guid_of(key, scope_of(table, source)))
