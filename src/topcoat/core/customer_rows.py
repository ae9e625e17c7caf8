"""Tables whose rows are made from what a snapshot has of its customers (S10), in Dataverse's shape.

`RowId` is the GUID of a row, as text; it identifies the row, whatever its `Identifier` is.
"""

from typing import Final

from topcoat.core.catalog import CUSTOMER_ID, Column, Table, TableKind

ROW_ID: Final = "RowId"


def _table(name: str, *columns: str) -> Table:
    names = (ROW_ID, "Identifier", CUSTOMER_ID, *columns)
    return Table(
        name=name,
        kind=TableKind.CUSTOMER_ROW,
        primary_key=ROW_ID,
        columns=tuple(Column(column, is_key=column == ROW_ID) for column in names),
    )


ALTERNATE_KEYS: Final = _table("AlternateKey", "DataSourceName", "EntityName", "AlternateValue", "KeyRing")
SEGMENT_MEMBERSHIPS: Final = _table("SegmentMembership", "SegmentProvider", "SegmentMembershipType", "Segments")
MEASURES: Final = _table("CustomerMeasure", "Measures")
ENRICHMENTS: Final = _table("Enrichment", "EnrichmentProvider", "EnrichmentType", "Values")
PREDICTIONS: Final = _table("Prediction", "ModelProvider", "Model", "Values")
TABLES: Final = (ALTERNATE_KEYS, SEGMENT_MEMBERSHIPS, MEASURES, ENRICHMENTS, PREDICTIONS)
