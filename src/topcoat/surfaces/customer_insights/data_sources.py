"""The data sources of an instance: what tables each brings and when it was refreshed; deletion."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import Field, TypeAdapter
from starlette.responses import Response

from topcoat.core.catalog import Table
from topcoat.flows.data_sources import DataSource
from topcoat.surfaces import answers
from topcoat.surfaces.customer_insights import parameters, payloads, tables
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with, parameter
from topcoat.surfaces.customer_insights.payloads import Annotation, Wire

# The vendor's kind for files that are imported; there is none for files as such.
_KIND: Final = "powerQuery"


class EntityInformation(Wire):
    entity_name: str
    primary_key: str
    entity_type: str
    timestamp_field_name: str | None = None
    semantic_labels: tuple[dict[str, Any], ...] = ()
    entity_enrichment_info: dict[str, Any] | None = None
    delta_table_version: int | None = None
    auto_generate_cdm_definition: bool = Field(default=False, alias="autoGenerateCDMDefinition")


class DataSourceMetadata(Wire):
    kind: str = _KIND
    is_active: bool = True
    entity_names: list[str]
    entities_count: int
    data_source_id: str
    name: str
    friendly_name: str
    entity_information: list[EntityInformation]
    provisioning_state: Literal["active"] = "active"
    last_refresh: datetime
    refresh_state: str
    incremental_refresh_properties: tuple[dict[str, Any], ...] = ()
    model_json_path: str | None = None
    version: int | None = None
    updated_by: str | None = None
    updated_utc: datetime
    created_by: str | None = None
    created_utc: datetime | None = None
    instance_id: str


class ModelEntity(Wire):
    name: str
    description: str | None = None
    is_hidden: bool = False
    annotations: tuple[Annotation, ...] = ()


class Model(Wire):
    name: str
    description: str | None = None
    is_hidden: bool = False
    version: str | None = None
    culture: str | None = None
    time_zone: str | None = Field(None, alias="pbi:timeZone")
    modified_time: datetime
    mashup: dict[str, Any] | None = Field(None, alias="pbi:mashup")
    annotations: tuple[Annotation, ...] = ()
    entities: list[ModelEntity]
    relationships: tuple[dict[str, Any], ...] = ()
    reference_models: tuple[dict[str, Any], ...] = ()


class DataSourceInfo(Wire):
    data_source_metadata: DataSourceMetadata
    model: Model | None = None


class OkResult(Wire):
    status_code: int = 200


_LIST: Final = TypeAdapter(list[DataSourceInfo])


async def list_data_sources(call: Call) -> Response:
    """Without their models, which are asked for one by one."""
    found = await call.flows.data_sources.list_data_sources(call.instance)
    infos = [DataSourceInfo(data_source_metadata=_metadata(call.instance, source)) for source in found]
    return Response(_LIST.dump_json(infos, by_alias=True), media_type=answers.JSON)


async def get_data_source(call: Call) -> Response:
    items = parameters.list_items(call.request.scope)
    includes_model = parameters.read_boolean(items, "includeModel", default=True)
    source = await call.flows.data_sources.get_data_source(call.instance, call.request.path_params["dataSourceId"])
    return payloads.wire_answer(
        DataSourceInfo(
            data_source_metadata=_metadata(call.instance, source), model=_model(source) if includes_model else None
        )
    )


async def delete_data_source(call: Call) -> Response:
    await call.flows.data_sources.delete_data_source(call.instance, call.request.path_params["dataSourceId"])
    return payloads.wire_answer(OkResult())


def _metadata(instance: str, source: DataSource) -> DataSourceMetadata:
    return DataSourceMetadata(
        entity_names=[table.plain_name for table in source.tables],
        entities_count=len(source.tables),
        data_source_id=source.id,
        name=source.name,
        friendly_name=source.name,
        entity_information=[_information(table) for table in source.tables],
        last_refresh=source.refreshed_at,
        refresh_state=source.state.value,
        updated_utc=source.refreshed_at,
        instance_id=instance,
    )


def _information(table: Table) -> EntityInformation:
    return EntityInformation(
        entity_name=table.plain_name,
        primary_key=table.primary_key,
        entity_type=tables.entity_type(table),
        timestamp_field_name=tables.timestamp_name(table),
    )


def _model(source: DataSource) -> Model:
    return Model(
        name=source.name,
        modified_time=source.refreshed_at,
        entities=[ModelEntity(name=table.plain_name) for table in source.tables],
    )


_LISTS: Final = ("/{instanceId}/manage/datasources", "/{instanceId}/manage/datasources/v2")
_SINGLES: Final = tuple(f"{path}/{{dataSourceId}}" for path in _LISTS)
_NOT_FOUND: Final = answers_with(404, payloads.ApiErrorResult, "There is no such data source.")

# The list comes first: its second address has the form of a data source's.
OPERATIONS: Final = (
    Operation(
        id="Get-all-data-sources",
        method="GET",
        paths=_LISTS,
        answer=list_data_sources,
        summary="List the data sources",
        responses=answers_with(200, list[DataSourceInfo], "The data sources of the active generation."),
    ),
    Operation(
        id="Get-data-source",
        method="GET",
        paths=_SINGLES,
        answer=get_data_source,
        summary="Describe one data source",
        responses=answers_with(200, DataSourceInfo, "The data source.") | _NOT_FOUND,
        documentation={
            "parameters": [parameter("includeModel", "Tell its tables as a model too.", type="boolean", default=True)]
        },
    ),
    Operation(
        id="Delete-a-data-source",
        method="DELETE",
        paths=_SINGLES,
        answer=delete_data_source,
        summary="Delete a data source with its tables and their activities, until a refresh brings it again",
        responses=answers_with(200, OkResult, "It is deleted.")
        | answers_with(400, payloads.ApiErrorResult, "The unified customers are made of it.")
        | answers_with(409, payloads.ApiErrorResult, "A refresh is running.")
        | _NOT_FOUND,
    ),
)
