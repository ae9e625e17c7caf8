"""The search and filter index of the customers: which columns are looked up by it."""

from typing import Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.responses import Response

from topcoat.core import catalog, errors
from topcoat.core.catalog import CUSTOMER, Document
from topcoat.core.search_configuration import IndexedColumn, SearchConfiguration
from topcoat.flows.search_index import TableColumns
from topcoat.surfaces import answers, bodies
from topcoat.surfaces.customer_insights import payloads
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with
from topcoat.surfaces.customer_insights.payloads import (
    AttributeSearchConfiguration,
    EntitySearchConfiguration,
    InstanceSearchConfiguration,
    SearchProperties,
    SearchTables,
)

_EXPECTATIONS: Final = {
    "bool_type": "true or false",
    "string_type": "a string",
    "list_type": "an array",
    "model_type": "an object",
}
_MODELS: Final[dict[tuple[str, ...], type[BaseModel]]] = {
    (): InstanceSearchConfiguration,
    ("entityConfig",): EntitySearchConfiguration,
    ("entityConfig", "attributes"): AttributeSearchConfiguration,
    ("entityConfig", "attributes", "properties"): SearchProperties,
}


async def get_configuration(call: Call) -> Response:
    configuration = await call.flows.search_index.get_configuration(call.instance)
    return payloads.wire_answer(_payload(call.instance, configuration))


async def replace_configuration(call: Call) -> Response:
    sent = _parse(await bodies.read_object(call.request))
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


def _parse(body: Document) -> SearchTables:
    """What the service itself says, such as the version, may be sent along and counts for nothing."""
    told = {field.alias for field in InstanceSearchConfiguration.model_fields.values()} - {"entityConfig"}
    sent = {name: value for name, value in body.items() if name not in told}
    try:
        return SearchTables.model_validate(sent, strict=True, extra="forbid", by_alias=True, by_name=False)
    except ValidationError as error:
        raise _invalid(error.errors(include_url=False)[0]) from None


def _invalid(details: ErrorDetails) -> errors.ParameterInvalid:
    place = details["loc"]
    match details["type"]:
        case "missing":
            found, expected = "missing", "a value"
        case "extra_forbidden":
            found, expected = "not a key of the contract", _known_keys(place)
        case kind:
            found, expected = catalog.described(details["input"]), _EXPECTATIONS.get(kind, details["msg"])
    return errors.ParameterInvalid(parameter=_path(place), found=found, expected=expected)


def _path(place: tuple[int | str, ...]) -> str:
    """`entityConfig[0].attributes[2].name`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{catalog.shown(part)}" for part in place)
    return "".join(parts).removeprefix(".")


def _known_keys(place: tuple[int | str, ...]) -> str:
    model = _MODELS[tuple(part for part in place[:-1] if isinstance(part, str))]
    known = [str(field.alias) for field in model.model_fields.values()]
    return f"one of {', '.join(known)}{catalog.suggestion(str(place[-1]), known)}"


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
        documentation={
            "requestBody": {
                "required": True,
                "content": {answers.JSON: {"schema": {"$ref": "#/components/schemas/InstanceSearchConfiguration"}}},
            }
        },
    ),
)
