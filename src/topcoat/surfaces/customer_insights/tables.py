"""What tables there are, and what their columns take; `manage/tables` and its older spelling `manage/entities`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from starlette.responses import Response

from topcoat.core.catalog import (
    CUSTOMER_ID,
    PREVIOUS_CUSTOMER_ID,
    Catalog,
    Column,
    ColumnType,
    Contents,
    Table,
    TableKind,
)
from topcoat.core.relationships import Relationship, RelationshipType
from topcoat.core.search_configuration import SearchConfiguration
from topcoat.flows.data_sources import data_source_id
from topcoat.flows.instances import Instance
from topcoat.surfaces.customer_insights import parameters, payloads, search
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with, parameter
from topcoat.surfaces.customer_insights.payloads import (
    Annotation,
    AttributeMetadata,
    EntityMetadata,
    TableRelationship,
)

_SEMANTIC_TYPES: Final = frozenset({"Feedback", "SalesOrder"})
_DATA_TYPES: Final = {
    ColumnType.STRING: "string",
    ColumnType.INTEGER: "int64",
    ColumnType.DECIMAL: "decimal",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.DATE: "dateTime",
    ColumnType.DATE_TIME: "dateTimeOffset",
}
_MARKS: Final = {
    "attributesAnnotations": "Mark key and mandatory columns.",
    "includeQuarantined": "List tables of corrupt records as well.",
    "includeSelfConflatedEntity": "List tables of self-conflation as well; so far there are none.",
}


async def list_tables(call: Call) -> Response:
    is_annotated, is_with_corrupt, _ = (
        parameters.read_boolean(parameters.list_items(call.request.scope), mark) for mark in _MARKS
    )
    instance = await call.flows.instances.get_instance(call.instance)
    catalog = await call.flows.instances.get_catalog(call.instance)
    configuration = await call.flows.search_index.get_configuration(call.instance)
    related = await call.flows.relationships.list_visible(call.instance)
    described = _Description(instance, catalog, configuration, related, is_annotated)
    listed = (table for table in catalog.tables if is_with_corrupt or table.contents is not Contents.CORRUPT)
    entities = [described.entity(table) for table in listed]
    return payloads.wire_answer(payloads.EntityModel(instance_id=instance.guid, entities=entities))


async def get_table(call: Call) -> Response:
    is_annotated = parameters.read_boolean(parameters.list_items(call.request.scope), "attributesAnnotations")
    instance = await call.flows.instances.get_instance(call.instance)
    catalog = await call.flows.instances.get_catalog(call.instance)
    table = catalog.get_table(call.request.path_params["tableName"])
    configuration = await call.flows.search_index.get_configuration(call.instance)
    related = await call.flows.relationships.list_visible(call.instance)
    described = _Description(instance, catalog, configuration, related, is_annotated)
    return payloads.wire_answer(described.entity(table))


async def get_table_size(call: Call) -> Response:
    size = await call.flows.inventory.measure_table(call.instance, call.request.path_params["tableName"])
    return payloads.wire_answer(
        payloads.EntitySize(qualified_entity_name=size.table.name, size=size.size_bytes, row_count=size.records)
    )


@dataclass(frozen=True, slots=True)
class _Description:
    """What a table's metadata is made of."""

    instance: Instance
    catalog: Catalog
    configuration: SearchConfiguration
    related: Sequence[Relationship]
    is_annotated: bool

    def entity(self, table: Table) -> EntityMetadata:
        attributes = {c.name: self._attribute(table, c) for c in table.columns}
        timestamp = timestamp_name(table)
        return EntityMetadata(
            name=table.plain_name,
            qualified_entity_name=table.name,
            data_source_name=table.data_source,
            dataflow_type=_dataflow_type(table),
            datasource_id=None if table.data_source is None else data_source_id(self.instance.guid, table.data_source),
            entity_type=entity_type(table),
            attributes=list(attributes.values()),
            keys=[[attributes[name]] for name in _keys(table)],
            relationships=[self._relationship(table, r) for r in self.related if table.name in _ends(r)],
            timestamp_attribute=None if timestamp is None else attributes[timestamp],
            semantic_type=_semantic_type(table),
            refresh_time=self.instance.refreshed_at,
        )

    def _attribute(self, table: Table, column: Column) -> AttributeMetadata:
        is_customer = table.kind is TableKind.CUSTOMER
        attribute = AttributeMetadata(
            name=column.name,
            friendly_name=column.name,
            base_name=column.name,
            data_type=_DATA_TYPES[column.type],
            search_properties=search.search_properties(self.configuration, column.name) if is_customer else None,
        )
        if not self.is_annotated:
            return attribute
        return payloads.AnnotatedAttributeMetadata(**attribute.model_dump(), annotations=_annotations(table, column))

    def _relationship(self, table: Table, relationship: Relationship) -> TableRelationship:
        return TableRelationship(
            name=relationship.name,
            friendly_name=relationship.friendly_name or relationship.name,
            from_attribute=self._end(relationship.from_table, relationship.from_column),
            to_attribute=self._end(relationship.to_table, relationship.to_column),
            relationship_type=_seen_from(table, relationship).value,
        )

    def _end(self, table_name: str, column_name: str) -> AttributeMetadata:
        table = self.catalog.get_table(table_name)
        return self._attribute(table, table.get_column(column_name))


def _ends(relationship: Relationship) -> tuple[str, str]:
    return relationship.from_table, relationship.to_table


def _seen_from(table: Table, relationship: Relationship) -> RelationshipType:
    """The table at the far end sees a relationship come in."""
    if relationship.type is RelationshipType.ORIGIN and table.name != relationship.from_table:
        return RelationshipType.DESTINATION
    return relationship.type


def _annotations(table: Table, column: Column) -> list[Annotation]:
    marks = {"ReadOnly": column.is_key, "Mandatory": _is_mandatory(table, column)}
    return [Annotation(name=name, value="true") for name, is_set in marks.items() if is_set]


def _is_mandatory(table: Table, column: Column) -> bool:
    """A configured source table needs what makes its records activities."""
    if table.activity is None:
        return column.is_mandatory
    needed = (table.primary_key, table.activity.timestamp, table.activity.customer_column)
    return column.is_mandatory or column.name in needed


def _keys(table: Table) -> list[str]:
    """The primary key, and a customer's ids in its sources."""
    if table.kind is not TableKind.CUSTOMER:
        return [table.primary_key]
    others = (CUSTOMER_ID, PREVIOUS_CUSTOMER_ID)
    return [CUSTOMER_ID, *(c.name for c in table.columns if c.is_key and c.name not in others)]


def timestamp_name(table: Table) -> str | None:
    """The column that says when a record happened."""
    if table.kind is TableKind.UNIFIED_ACTIVITY:
        return "ActivityTime"
    return None if table.activity is None else table.activity.timestamp


def entity_type(table: Table) -> str:
    """In the contract's words."""
    match table.kind:
        case TableKind.CUSTOMER:
            return "profile"
        case TableKind.UNIFIED_ACTIVITY:
            return "unifiedActivity"
        case TableKind.CUSTOMER_MEASURE:
            return "profileKpi"
        case TableKind.SOURCE | TableKind.CUSTOMER_ROW:
            return _SOURCE_TYPES[table.contents] if table.activity is None else "activity"
        case _:
            assert_never(table.kind)


_SOURCE_TYPES: Final = {
    Contents.INGESTED: "unspecified",
    Contents.CORRUPT: "corrupt",
    Contents.ENRICHMENT: "enrichment",
    Contents.PREDICTION: "genericPrediction",
}
_DATAFLOW_TYPES: Final = {
    Contents.INGESTED: "ingestion",
    Contents.CORRUPT: "ingestion",
    Contents.ENRICHMENT: "enriched",
    Contents.PREDICTION: "genericPrediction",
}


def _dataflow_type(table: Table) -> str:
    match table.kind:
        case TableKind.CUSTOMER:
            return "conflationResolveConflicts"
        case TableKind.UNIFIED_ACTIVITY:
            return "unifiedActivity"
        case TableKind.CUSTOMER_MEASURE:
            return "kpi"
        case TableKind.SOURCE | TableKind.CUSTOMER_ROW:
            return _DATAFLOW_TYPES[table.contents]
        case _:
            assert_never(table.kind)


def _semantic_type(table: Table) -> str | None:
    if table.kind is TableKind.CUSTOMER:
        return "Customer"
    type_ = None if table.activity is None else table.activity.type
    return type_ if type_ in _SEMANTIC_TYPES else None


_BOOLEAN: Final = {"type": "boolean", "default": False}

OPERATIONS: Final = (
    Operation(
        id="Get-all-entity-metadata",
        method="GET",
        paths=("/{instanceId}/manage/tables", "/{instanceId}/manage/entities"),
        answer=list_tables,
        summary="Describe all tables",
        responses=answers_with(200, payloads.EntityModel, "The tables of the active generation."),
        documentation={"parameters": [parameter(mark, says, **_BOOLEAN) for mark, says in _MARKS.items()]},
    ),
    Operation(
        id="Get-entity-metadata",
        method="GET",
        paths=("/{instanceId}/manage/tables/{tableName}", "/{instanceId}/manage/entities/{tableName}"),
        answer=get_table,
        summary="Describe one table",
        responses=answers_with(200, EntityMetadata, "The table.")
        | answers_with(404, payloads.ApiErrorResult, "There is no such table."),
        documentation={"parameters": [parameter("attributesAnnotations", _MARKS["attributesAnnotations"], **_BOOLEAN)]},
    ),
    Operation(
        id="Get-entity-size",
        method="GET",
        paths=(
            "/{instanceId}/manage/tables/{tableName}/entitysize",
            "/{instanceId}/manage/entities/{tableName}/entitysize",
        ),
        answer=get_table_size,
        summary="Count the records of a table and the bytes of their documents",
        responses=answers_with(200, payloads.EntitySize, "The size of what a read of the table returns.")
        | answers_with(404, payloads.ApiErrorResult, "There is no such table.")
        | answers_with(501, payloads.ApiErrorResult, "The environment file names no file for the table's records."),
    ),
)
