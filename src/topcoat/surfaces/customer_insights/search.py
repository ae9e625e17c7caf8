"""The search and filter index of the customers: which columns are looked up by it."""

from typing import Final

from starlette.responses import Response

from topcoat.core.catalog import CUSTOMER
from topcoat.core.search_configuration import IndexedColumn, SearchConfiguration
from topcoat.flows.search_index import TableColumns
from topcoat.surfaces import bodies
from topcoat.surfaces.customer_insights import payloads, shapes
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with, reference, request_body
from topcoat.surfaces.customer_insights.payloads import (
    AttributeSearchConfiguration,
    EntitySearchConfiguration,
    InstanceSearchConfiguration,
    SearchProperties,
    SearchTables,
)

_TOLD: Final = {field.alias for field in InstanceSearchConfiguration.model_fields.values()} - {"entityConfig"}


async def get_configuration(call: Call) -> Response:
    configuration = await call.flows.search_index.get_configuration(call.instance)
    return payloads.wire_answer(_payload(call.instance, configuration))


async def replace_configuration(call: Call) -> Response:
    body = await bodies.read_object(call.request)
    sent = shapes.read_shape(SearchTables, shapes.without_keys(body, _TOLD))
    tables = [_table_columns(table) for table in sent.entity_config]
    stored = await call.flows.search_index.replace_configuration(call.instance, tables, call.principal.name)
    return payloads.wire_answer(_payload(call.instance, stored))


def search_properties(configuration: SearchConfiguration, name: str) -> SearchProperties:
    """Of one column, configured or not."""
    column = configuration.find_column(name)
    return SearchProperties() if column is None else _properties(column)


def _payload(instance: str, configuration: SearchConfiguration) -> InstanceSearchConfiguration:
    attributes = [
        AttributeSearchConfiguration(name=column.name, properties=_properties(column))
        for column in configuration.columns
    ]
    customer = EntitySearchConfiguration(qualified_entity_name=CUSTOMER, attributes=attributes)
    return InstanceSearchConfiguration(
        entity_config=[customer] if attributes else [],
        is_system_generated=configuration.is_system_generated,
        version=configuration.version,
        updated_by=configuration.updated_by,
        updated_utc=configuration.updated_at,
        created_by=configuration.created_by,
        created_utc=configuration.created_at,
        instance_id=instance,
    )


def _properties(column: IndexedColumn) -> SearchProperties:
    return SearchProperties(
        is_searchable=column.is_searchable,
        is_filterable=column.is_filterable,
        is_facetable=column.is_facetable,
        facet_specification=column.facet_specification,
        is_sortable=column.is_sortable,
    )


def _table_columns(table: EntitySearchConfiguration) -> TableColumns:
    columns = (
        IndexedColumn(attribute.name, **attribute.properties.model_dump(by_alias=False))
        for attribute in table.attributes
    )
    return TableColumns(table.qualified_entity_name, tuple(columns))


_PATHS: Final = ("/{instanceId}/manage/search",)

OPERATIONS: Final = (
    Operation(
        id="Get-search-configuration",
        method="GET",
        paths=_PATHS,
        answer=get_configuration,
        summary="Tell which columns are searched, filtered and sorted by index",
        responses=answers_with(200, InstanceSearchConfiguration, "The configuration.")
        | answers_with(404, payloads.ApiErrorResult, "There is no such instance."),
    ),
    Operation(
        id="Update-search-configuration",
        method="PUT",
        paths=_PATHS,
        answer=replace_configuration,
        summary="Replace the configuration; the index follows in the background",
        responses=answers_with(200, InstanceSearchConfiguration, "The configuration as it is stored.")
        | answers_with(400, payloads.ApiErrorResult, "A table or column is unknown or cannot be configured so.")
        | answers_with(404, payloads.ApiErrorResult, "There is no such instance."),
        documentation=request_body(reference(InstanceSearchConfiguration)),
    ),
)
