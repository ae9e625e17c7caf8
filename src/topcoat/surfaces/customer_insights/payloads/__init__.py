"""The contract's shapes in wire spelling: every field is there, null where nothing is known."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny
from pydantic.alias_generators import to_camel
from starlette.responses import Response

from topcoat.core.definitions import Authorship
from topcoat.surfaces import answers


class Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class ODataError(Wire):
    error_code: str
    message: str
    target: str | None = None
    details: list[dict[str, Any]] = []
    inner_error: dict[str, Any] | None = None
    instance_annotations: list[dict[str, Any]] = []
    type_annotation: dict[str, Any] | None = None


class ApiErrorResult(Wire):
    exception: dict[str, Any] | None = None
    http_status_code: str
    exception_culprit: Literal["system", "user", "external"]
    error_code: str
    result_severity: Literal["error", "warning", "recommendation"] = "error"
    message: str
    name: str | None = None
    params: dict[str, Any] = {}
    ci_results: list[dict[str, Any]] = []


class CreatedResult(Wire):
    """The body of 201 and, under the name of AcceptedResult, of 202."""

    location: str
    value: dict[str, Any]
    formatters: list[dict[str, Any]] = []
    content_types: list[str] = [answers.JSON]
    declared_type: str | None = None
    status_code: int


_CREATED = CreatedResult(location="", value={}, status_code=0).model_dump(by_alias=True)


def created_result(location: str, value: dict[str, Any], status: int) -> dict[str, Any]:
    """A `CreatedResult` on the wire, without a model of each, for every activity is answered with one."""
    return _CREATED | {"location": location, "value": value, "statusCode": status}


class ODataEntityPayload(Wire):
    context: str = Field(alias="@odata.context")
    count: int | None = Field(None, alias="@odata.count")
    value: list[dict[str, Any]]
    next_link: str | None = Field(None, alias="@odata.nextLink")


class ODataRecord(Wire):
    """One record by its key: its columns stand beside the context."""

    model_config = ConfigDict(extra="allow")

    context: str = Field(alias="@odata.context")


class Annotation(Wire):
    name: str
    value: str


def _nothing_for_null(value: Any) -> Any:
    return False if value is None else value


Flag = Annotated[bool, BeforeValidator(_nothing_for_null)]


class SearchProperties(Wire):
    is_searchable: Flag = False
    is_filterable: Flag = False
    is_facetable: Flag = False
    facet_specification: str | None = None
    is_sortable: Flag = False


class AttributeMetadata(Wire):
    name: str
    friendly_name: str
    base_name: str
    data_type: str
    semantic_type: str | None = None
    search_properties: SearchProperties | None = None


class AnnotatedAttributeMetadata(AttributeMetadata):
    """The contract's attributes have no such field; asked for annotations, they carry it all the same."""

    annotations: list[Annotation]


Attribute = SerializeAsAny[AttributeMetadata]


class TableRelationship(Wire):
    """A relationship as one of its two tables tells it."""

    name: str
    friendly_name: str
    from_attribute: Attribute
    to_attribute: Attribute
    relationship_type: str
    data_source_entity: dict[str, Any] | None = None
    data_source_mapping_attributes: list[Attribute] = []


class EntityMetadata(Wire):
    name: str
    qualified_entity_name: str
    data_source_name: str | None = None
    dataflow_type: str
    should_use_spark_sas_auth: bool = False
    datasource_id: str | None = None
    entity_type: str
    attributes: list[Attribute]
    keys: list[list[Attribute]]
    relationships: list[TableRelationship] = []
    timestamp_attribute: Attribute | None = None
    incremental_attribute: Attribute | None = None
    semantic_type: str | None = None
    refresh_time: datetime | None = None
    partitions: list[dict[str, Any]] = []
    incremental_upsert_partitions: list[dict[str, Any]] = []
    incremental_delete_partitions: list[dict[str, Any]] = []
    full_partitions_parquet: list[dict[str, Any]] = []
    incremental_upsert_partitions_parquet: list[dict[str, Any]] = []
    incremental_delete_partitions_parquet: list[dict[str, Any]] = []
    annotations: list[Annotation] = []


class EntityModel(Wire):
    instance_id: str
    dataflow_id: str | None = None
    datasource_id: str | None = None
    dataflow_type: str | None = None
    entities: list[EntityMetadata]


class EntitySize(Wire):
    qualified_entity_name: str
    size: int
    row_count: int


class KeyRingResponse(Wire):
    """The contract says no more of `keyRing` than that it is an object; docs/deviations.md says what is in it."""

    instance_id: str
    customer_id: str
    key_ring: dict[str, Any]


class Audited(Wire):
    """Who made it and changed it; what the service makes itself has neither."""

    version: int | None = None
    updated_by: str | None = None
    updated_utc: datetime | None = None
    created_by: str | None = None
    created_utc: datetime | None = None
    instance_id: str | None = None


AUDIT: Final = frozenset(field.alias for field in Audited.model_fields.values())
"""What the service itself says, and a caller may send back."""


class OkResult(Wire):
    status_code: int = 200


class OkObjectResult(Wire):
    value: Any
    formatters: list[dict[str, Any]] = []
    content_types: list[str] = [answers.JSON]
    declared_type: str | None = None
    status_code: int = 200


class RoleDefinition(Wire):
    role_name: str
    description: str


class RoleAssignment(Wire):
    principal_id: str
    principal_type: str
    roles: list[str]
    instance_id: str


class RoleAssignmentChange(Wire):
    """What a caller says of an assignment; the address has the principal and the instance."""

    principal_id: str | None = None
    principal_type: Literal["user", "group", "app"] | None = None
    roles: list[str]
    instance_id: str | None = None


class SubscriptionKeyState(Wire):
    name: Literal["primary", "secondary"]
    state: Literal["own", "wellKnown", "none"]
    changed_utc: datetime | None


class ApiAccess(Wire):
    """An extension to the contract."""

    instance_id: str
    is_enabled: bool
    keys: list[SubscriptionKeyState]


class ApiAccessChange(Wire):
    is_enabled: bool


class RegeneratedKey(Wire):
    """The only time that the key is told."""

    instance_id: str
    name: Literal["primary", "secondary"]
    key: str
    changed_utc: datetime


class AttributeSearchConfiguration(Wire):
    name: str
    properties: SearchProperties = SearchProperties()


class EntitySearchConfiguration(Wire):
    qualified_entity_name: str
    attributes: list[AttributeSearchConfiguration]


class SearchTables(Wire):
    """What a caller may change of a search configuration."""

    entity_config: list[EntitySearchConfiguration]


class InstanceSearchConfiguration(SearchTables):
    is_system_generated: bool = False
    version: int | None = None
    updated_by: str | None = None
    updated_utc: datetime | None = None
    created_by: str | None = None
    created_utc: datetime | None = None
    instance_id: str | None = None


class Change(Wire):
    """A live change of a profile; an extension to the contract.

    `not_shown` names columns that a refresh has removed, or given types that do not accept their values."""

    sequence: int
    customer_id: str
    columns: dict[str, Any]
    not_shown: tuple[str, ...]
    caller: str | None
    principal: str | None
    recorded_at: datetime
    valid_until: datetime


class ChangeList(Wire):
    value: list[Change]


class ReconciledRow(Wire):
    """A column of a change, or an activity; never a value."""

    kind: str
    outcome: str
    customer_id: str
    sequence: int
    column_name: str | None
    activity_id: str | None
    caller: str | None
    recorded_at: datetime
    valid_until: datetime


class Reconciliation(Wire):
    """An extension to the contract; `outcomes` are counts by kind and outcome, of the generation as a whole."""

    generation: int
    judged_at: datetime | None
    outcomes: Mapping[str, Mapping[str, int]]
    value: list[ReconciledRow]
    next_link: str | None


class ApiUsageFigures(Wire):
    calls: int
    bytes_in: int
    bytes_out: int
    mean_duration_ms: float


class ApiUsageRow(ApiUsageFigures):
    """What it is not grouped by is null; what there is not is empty."""

    operation: str | None = None
    table: str | None = None
    caller: str | None = None
    status: int | None = None
    result: str | None = None
    error_code: str | None = None
    hour: datetime | None = None
    day: datetime | None = None


class ApiUsage(Wire):
    """Of whole hours; `value` has at most 1,000 rows, and `has_more` tells whether there were more."""

    from_: datetime = Field(alias="from")
    to: datetime
    group_by: list[str]
    total: ApiUsageFigures
    value: list[ApiUsageRow]
    has_more: bool


def wire_answer(payload: Wire, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(payload.model_dump_json(by_alias=True), status, headers, answers.JSON)


def wire_list(items: Sequence[Wire]) -> Response:
    return answers.json_answer([item.model_dump(mode="json", by_alias=True) for item in items])


def audit_of(instance: str, authorship: Authorship | None) -> dict[str, Any]:
    """The values of `Audited`."""
    if authorship is None:
        return {"instance_id": instance}
    return {
        "version": authorship.version,
        "updated_by": authorship.updated_by,
        "updated_utc": authorship.updated_at,
        "created_by": authorship.created_by,
        "created_utc": authorship.created_at,
        "instance_id": instance,
    }
