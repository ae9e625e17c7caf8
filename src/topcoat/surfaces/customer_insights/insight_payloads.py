"""The contract's shapes of segments and measures: what a caller may define, and what the service tells beside it."""

import uuid
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, JsonValue
from pydantic_core import PydanticCustomError

from topcoat.core import catalog
from topcoat.surfaces.customer_insights.payloads import Audited, Wire

Texts = list[str] | None


def _uuid(text: str) -> str:
    """Kept as it is written."""
    try:
        uuid.UUID(text)
    except ValueError:
        raise PydanticCustomError("expected", "a UUID such as 6f9619ff-8b86-d011-b42d-00cf4fc964ff") from None
    return text


def _instant(text: str) -> str:
    try:
        return catalog.format_instant(catalog.parse_instant(text))
    except ValueError:
        raise PydanticCustomError("expected", "a date-time such as 2026-12-24T18:00:00Z") from None


Id = Annotated[str, AfterValidator(_uuid)]
Instant = Annotated[str, AfterValidator(_instant)]


class Criteria(Wire):
    kind: Literal["post", "default", "consent", "engagement"] | None = None
    logical_operator: Literal["and", "or"] | None = None
    attribute: str | None = None
    comparison_operator: (
        Literal[
            "equals",
            "notEquals",
            "greaterThan",
            "greaterThanOrEqualTo",
            "lessThan",
            "lessThanOrEqualTo",
            "any",
            "contains",
            "startsWith",
            "endsWith",
            "isNull",
            "isNotNull",
            "all",
            "isIn",
            "isWithinLast",
            "isBetween",
            "isNotBetween",
            "yearToDate",
            "dayOf",
            "monthOf",
            "yearOf",
            "dayOfWeek",
            "timeAt",
            "childOf",
            "parentOf",
        ]
        | None
    ) = None
    child_criterias: "list[Criteria] | None" = None
    value: str | None = None
    ignore_case: bool | None = None
    list_of_values: Texts = None
    is_time: bool | None = None


class Rowset(Wire):
    rowset_operation: Literal["union", "intersect", "except", "none", "include", "exclude"] | None = None
    criteria: Criteria | None = None
    paths: list[list[str]] | None = None
    rowset_id: Id | None = None


class Projection(Wire):
    entity_name: str | None = None
    attribute_names: Texts = None
    path: Texts = None
    projection_type: Literal["pre", "post"] | None = None


class SegmentHierarchy(Wire):
    hierarchy_entity_name: str | None = None
    source_attribute_name: str | None = None
    destination_attribute_name: str | None = None


class SegmentationQuery(Wire):
    type: Literal["structured", "manual"] | None = None
    projections: Texts = None
    projected_attributes: list[Projection] | None = None
    rowsets: list[Rowset] | None = None
    segmentation_query_sql: str | None = None
    hierarchies: list[SegmentHierarchy] | None = None


class SegmentDefinition(Wire):
    """What a caller may say of a segment; of the states, those that people set."""

    kind: Literal["default", "engagement"] | None = None
    name: str | None = None
    friendly_name: str | None = None
    description: str | None = None
    segment_query_expression: SegmentationQuery | None = None
    state: Literal["inactive", "active"] | None = None
    end_date: Instant | None = None


class SegmentMetadata(SegmentDefinition, Audited):
    state: Literal["inactive", "active", "validating", "validated", "invalid", "validationError"]  # type: ignore[assignment]  # more than people set
    error_description: str | None = None
    evaluation_status: dict[str, Any] | None = None
    sql_validation_stats: dict[str, Any] | None = None
    evaluation_status_history: list[dict[str, Any]] | None = None
    segment_query_stats: dict[str, Any] | None = None


class LinkedEntity(Wire):
    kind: Literal["base", "join", "scalar"] | None = None
    entity: str | None = None
    alias: str | None = None


class VariableConditionGroup(Wire):
    name: str | None = None
    conditions: list[dict[str, JsonValue]] | None = None


class Variable(Wire):
    kind: Literal["arithmetic", "date"] | None = None
    name: str | None = None
    data_type: str | None = None
    expression_text: str | None = None
    variable_condition_groups: list[VariableConditionGroup] | None = None


class Dimension(Wire):
    field: str | None = None
    alias: str | None = None
    display_name: str | None = None
    order: int | None = None
    bucket: Literal["none", "day", "month", "year"] | None = None
    is_read_only: bool | None = None


class MeasureAggregate(Wire):
    operation: (
        Literal["sum", "avg", "min", "max", "count", "countDistinct", "first", "last", "argMax", "argMin"] | None
    ) = None
    field: str | None = None
    alias: str | None = None
    display_name: str | None = None
    order: int | None = None
    operation_scope: Literal["rollup"] | None = None
    aggregates: "list[MeasureAggregate] | None" = None
    is_included: bool | None = None


class MeasureQuery(Wire):
    """Expressions have parts that the contract does not publish, so they are kept as they are."""

    kind: Literal["entity", "attribute"] | None = None
    is_scalar: bool | None = None
    linked_entities: list[LinkedEntity] | None = None
    variables: list[Variable] | None = None
    filters: dict[str, JsonValue] | None = None
    filtering_criteria: Criteria | None = None
    dimensions: list[Dimension] | None = None
    aggregates: list[MeasureAggregate] | None = None
    is_profile: bool | None = None
    measure_query_sql: str | None = None
    type: Literal["structured", "manual"] | None = None
    is_manual_query_scalar: bool | None = None
    dependencies: list[dict[str, JsonValue]] | None = None


class MeasureDefinition(Wire):
    """What a caller may say of a measure."""

    display_name: str | None = None
    name: str | None = None
    description: str | None = None
    definition: MeasureQuery | None = None
    is_template: bool | None = None
    template_id: Id | None = None
    is_created_from_template: bool | None = None


class MeasureMetadata(MeasureDefinition, Audited):
    latest_evaluation: dict[str, Any] | None = None
    output: dict[str, Any] | None = None
    evaluation_stats: dict[str, Any] | None = None
    error_description: dict[str, Any] | None = None
    sql_validation_stats: dict[str, Any] | None = None
    evaluation_history: list[dict[str, Any]] | None = None
    output_history: list[dict[str, Any]] | None = None


class LogMessage(Wire):
    location: dict[str, int] | None = None
    message: str


class ParsingError(Wire):
    messages: list[LogMessage]
    code: Literal[
        "unknown",
        "parsingFailed",
        "entityNotFound",
        "attributeNotFound",
        "unsupportedSyntax",
        "invalidOperation",
        "incorrectArgumentCount",
        "incorrectIntervalType",
        "invalidArgument",
    ]
