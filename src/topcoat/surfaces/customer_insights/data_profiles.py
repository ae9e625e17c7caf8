"""Data profiles: counts, extremes, frequent values and the distribution of each column of a table."""

from datetime import datetime
from typing import Any, Final

from pydantic import Field
from starlette.responses import Response

from topcoat.core.data_profile import Moments, NumberProfile
from topcoat.flows.data_profiles import ColumnProfile, TableProfile
from topcoat.surfaces.customer_insights import parameters, payloads
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with, parameter
from topcoat.surfaces.customer_insights.payloads import Wire


class ValueCount(Wire):
    value: Any
    count: int


class HistogramBin(Wire):
    lower_bound: float
    upper_bound: float
    count: float


class Quantiles(Wire):
    """The wire's names say per cent, `D` for the decimal point."""

    per_mille_1: float = Field(alias="p0D1")
    per_mille_10: float = Field(alias="p1")
    per_mille_50: float = Field(alias="p5")
    per_mille_250: float = Field(alias="p25")
    per_mille_500: float = Field(alias="p50")
    per_mille_750: float = Field(alias="p75")
    per_mille_950: float = Field(alias="p95")
    per_mille_990: float = Field(alias="p99")
    per_mille_999: float = Field(alias="p99D9")


class MomentsOfColumn(Wire):
    mean: float
    standard_deviation: float | None
    variance: float | None
    skewness: float | None
    kurtosis: float | None


class AttributeDataProfile(Wire):
    value_counts: list[ValueCount]
    histogram: list[HistogramBin]
    qualified_entity_name: str
    attribute_name: str
    min: Any
    max: Any
    count: int
    missing_count: int
    error_count: int = 0
    quantiles: Quantiles | None = None
    moments: MomentsOfColumn | None = None
    unique_value_count: int
    profiling_date: datetime
    is_suggested_primary_key: bool
    check_if_exact_stats: dict[str, bool]


class EntityDataProfile(Wire):
    qualified_entity_name: str
    row_count: int
    quarantine_row_count: int
    profiling_date: datetime
    profiled_attributes: str
    corrupt_attributes: str = ""
    attribute_data_profiles: list[AttributeDataProfile]


# Counts and extremes are exact always.
_EXACT: Final = ("count", "missingCount", "uniqueValueCount", "min", "max", "valueCounts")
_OF_NUMBERS: Final = ("histogram", "quantiles", "moments")


async def profile_table(call: Call) -> Response:
    items = parameters.list_items(call.request.scope)
    profile = await call.flows.data_profiles.profile_table(
        call.instance,
        call.request.path_params["qualifiedEntityName"],
        has_columns=parameters.read_boolean(items, "includeAttributeData"),
    )
    return payloads.wire_answer(_table(profile))


async def profile_column(call: Call) -> Response:
    names = call.request.path_params
    profile = await call.flows.data_profiles.profile_column(
        call.instance, names["qualifiedEntityName"], names["attributeName"]
    )
    return payloads.wire_answer(_column(profile))


def _table(profile: TableProfile) -> EntityDataProfile:
    return EntityDataProfile(
        qualified_entity_name=profile.table.name,
        row_count=profile.records,
        quarantine_row_count=profile.quarantined,
        profiling_date=profile.profiled_at,
        profiled_attributes=",".join(column.name for column in profile.table.columns),
        attribute_data_profiles=[_column(column) for column in profile.columns],
    )


def _column(profile: ColumnProfile) -> AttributeDataProfile:
    summary, numbers = profile.summary, profile.numbers
    return AttributeDataProfile(
        value_counts=[ValueCount(value=value, count=count) for value, count in summary.frequent],
        histogram=[] if numbers is None else _histogram(numbers),
        qualified_entity_name=profile.table.name,
        attribute_name=profile.column.name,
        min=summary.lowest,
        max=summary.highest,
        count=summary.records,
        missing_count=summary.missing,
        quantiles=None if numbers is None else _quantiles(numbers),
        moments=None if numbers is None else _moments(numbers.moments),
        unique_value_count=summary.unique,
        profiling_date=profile.profiled_at,
        is_suggested_primary_key=profile.is_suggested_key,
        check_if_exact_stats=dict.fromkeys(_EXACT, True)
        | dict.fromkeys(_OF_NUMBERS, numbers is None or numbers.is_exact),
    )


def _histogram(numbers: NumberProfile) -> list[HistogramBin]:
    return [HistogramBin(lower_bound=b.lower, upper_bound=b.upper, count=b.records) for b in numbers.histogram]


def _quantiles(numbers: NumberProfile) -> Quantiles:
    return Quantiles(**{f"per_mille_{share}": value for share, value in numbers.quantiles.items()})


def _moments(moments: Moments) -> MomentsOfColumn:
    return MomentsOfColumn.model_validate(moments, from_attributes=True)


_NOT_THERE: Final = answers_with(404, payloads.ApiErrorResult, "There is no such table or column.") | answers_with(
    501, payloads.ApiErrorResult, "The environment file names no file for the table's records."
)
_TABLE: Final = "/{instanceId}/dataprofile/{qualifiedEntityName}"

OPERATIONS: Final = (
    Operation(
        id="Get-an-entity-profile",
        method="GET",
        paths=(_TABLE,),
        answer=profile_table,
        summary="Profile the data of a table in the snapshot",
        responses=answers_with(200, EntityDataProfile, "The profile, with that of each column where it is asked for.")
        | _NOT_THERE,
        documentation={
            "parameters": [parameter("includeAttributeData", "Profile the columns too.", type="boolean", default=False)]
        },
    ),
    Operation(
        id="Get-an-attribute-profile",
        method="GET",
        paths=(f"{_TABLE}/{{attributeName}}",),
        answer=profile_column,
        summary="Profile the data of one column in the snapshot",
        responses=answers_with(200, AttributeDataProfile, "The profile of the column.") | _NOT_THERE,
    ),
)
