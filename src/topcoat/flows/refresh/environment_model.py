"""The shape of the environment file, for pydantic and for the published JSON Schema."""

import enum
import re
import uuid
from datetime import timedelta
from typing import Annotated, Any, Final, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from topcoat.core import catalog, definitions
from topcoat.core.catalog import ColumnType
from topcoat.core.overlay import lifetime

KEY_LENGTH_MAX: Final = 200
NAME_LENGTH_MAX: Final = 128
NOT_SUPPORTED_YET: Final = ("data_sources", "unification", "measures", "segments")

EXPECTED: Final = "expected"
UNKNOWN_KEY: Final = "unknown_key"

_Enum = TypeVar("_Enum", bound=enum.Enum)


class InstanceType(enum.Enum):
    TRIAL = "trial"
    SANDBOX = "sandbox"
    PRODUCTION = "production"
    PITCH_DEMO = "pitchDemo"
    POV = "pov"


def _expected(what: str) -> PydanticCustomError:
    return PydanticCustomError(EXPECTED, "expected {expected}", {"expected": what})


def _unknown_key(key: str, reason: str) -> PydanticCustomError:
    return PydanticCustomError(UNKNOWN_KEY, "{reason}", {"key": key, "reason": reason})


def _one_of(kind: type[_Enum]) -> BeforeValidator:
    words = [member.value for member in kind]

    def read(value: Any) -> Any:
        if value in words:
            return kind(value)
        hint = catalog.suggestion(value, words) if isinstance(value, str) else ""
        raise _expected(f"one of {', '.join(words)}{hint}")

    return BeforeValidator(read)


def _check_text(text: str) -> str:
    if not definitions.is_text(text):
        raise _expected(definitions.TEXT_EXPECTED)
    return text


def _check_column_name(name: str) -> str:
    if not name.isidentifier() or len(name) > NAME_LENGTH_MAX:
        raise _expected(f"a column name: at most {NAME_LENGTH_MAX} letters, digits and underscores, no digit first")
    return name


_TABLE_NAME: Final = re.compile("[A-Za-z][A-Za-z0-9]*_[A-Za-z0-9_]+")
_RESERVED_NAMES: Final = (catalog.CUSTOMER_MEASURE,)


def _check_table_name(name: str) -> str:
    if not _TABLE_NAME.fullmatch(name) or len(name) > NAME_LENGTH_MAX:
        raise _expected("a table name such as PoS_posPurchases: data source, underscore, table; letters and digits")
    if name in _RESERVED_NAMES:
        raise _expected("another name; this one is a table that every instance has")
    return name


def _read_guid(text: str) -> str:
    try:
        number = uuid.UUID(text)
    except ValueError:
        raise _expected(_GUID_EXPECTED) from None
    if str(number) != text.lower():
        raise _expected(_GUID_EXPECTED)
    return str(number)


_GUID_EXPECTED: Final = "a GUID such as c0ffee00-0000-4000-8000-000000000001"
_DURATION: Final = re.compile(
    "P(?=.)(?:([0-9]{1,6})W)?(?:([0-9]{1,6})D)?(?:T(?=.)(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,9})S)?)?"
)
_DURATION_EXPECTED: Final = (
    f"an ISO 8601 duration such as PT4H or P30D, above zero and at most {lifetime.LIFETIME_MAX.days} days"
)


def _read_lifetime(value: Any) -> timedelta:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _expected(_DURATION_EXPECTED)
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    duration = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not timedelta(0) < duration <= lifetime.LIFETIME_MAX:
        raise _expected(_DURATION_EXPECTED)
    return duration


def _check_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: the name is that of a folder, such as Europe
        hint = catalog.suggestion(name, sorted(available_timezones()))
        raise _expected(f"the IANA name of a time zone such as Europe/Oslo{hint}") from None
    return name


def _check_subscription_key(key: str) -> str:
    if not key.isascii() or not key.isprintable() or " " in key or not 0 < len(key) <= KEY_LENGTH_MAX:
        raise _expected(f"1 to {KEY_LENGTH_MAX} printable ASCII characters without blanks")
    return key


Text = Annotated[str, AfterValidator(_check_text)]
ColumnName = Annotated[str, AfterValidator(_check_column_name)]
TableName = Annotated[
    str, AfterValidator(_check_table_name), Field(json_schema_extra={"pattern": f"^{_TABLE_NAME.pattern}$"})
]
Guid = Annotated[str, AfterValidator(_read_guid), Field(json_schema_extra={"format": "uuid"})]
Lifetime = Annotated[
    timedelta, BeforeValidator(_read_lifetime), WithJsonSchema({"type": "string", "format": "duration"})
]
TimeZone = Annotated[str, AfterValidator(_check_time_zone)]
SubscriptionKey = Annotated[str, AfterValidator(_check_subscription_key)]
Type = Annotated[ColumnType, _one_of(ColumnType)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, value: Any) -> Any:
        """Before pydantic's own check, which knows no suggestion."""
        for key in value if isinstance(value, dict) else ():
            if key not in cls.model_fields:
                raise _unknown_key(key, cls._unknown_key_reason(key))
        return value

    @classmethod
    def _unknown_key_reason(cls, key: str) -> str:
        known = ", ".join(cls.model_fields)
        return f"unknown key{catalog.suggestion(key, cls.model_fields)}; expected one of {known}"


class SubscriptionKeys(_Part):
    """Keys that callers send as `Ocp-Apim-Subscription-Key`."""

    primary: SubscriptionKey | None = Field(None, description="The first key.")
    secondary: SubscriptionKey | None = Field(None, description="The second key, for changing them in turn.")


class Instance(_Part):
    """Which instance the file describes; a refresh creates it if it is missing."""

    id: Guid = Field(description="The instance's GUID.")
    name: Text = Field(description="The instance's display name.")
    type: Annotated[InstanceType, _one_of(InstanceType)] = Field(
        InstanceType.SANDBOX, description="What the API says the instance is."
    )
    subscription_keys: SubscriptionKeys = Field(SubscriptionKeys(), description="Subscription keys of the instance.")


class Lifetimes(_Part):
    """How long real-time writes count when they do not say it themselves; ISO 8601, at most 30 days."""

    profile: Lifetime = Field(lifetime.PROFILE_LIFETIME, description="Of a profile change.")
    activity: Lifetime = Field(lifetime.ACTIVITY_LIFETIME, description="Of an activity.")


class SourceTable(_Part):
    """A table of a data source."""

    primary_key: ColumnName = Field(description="The column that identifies a record; string or integer.")
    columns: dict[ColumnName, Type] = Field(description="Column names and their types.")
    data_source: Text | None = Field(
        None, description="The data source; by default the part of the table's name before the first underscore."
    )
    file: Text | None = Field(
        None, description="A CSV or JSON Lines file of its records, relative to this one; without it none can be read."
    )


class CustomerLink(_Part):
    """How an activity finds its customer."""

    column: ColumnName = Field(description="The column that holds the key of the customer's source record.")
    table: TableName = Field(description="The source table of customers that the key belongs to.")


class Activity(_Part):
    """How the records of a source table become activities; the parts name columns of that table."""

    name: Text = Field(description="What the activity is called: ActivityTypeDisplay.")
    type: Text = Field(description="ActivityType, such as SalesOrder, Feedback or Loyalty.")
    timestamp: ColumnName = Field(description="The date or date-time column that gives ActivityTime.")
    event: ColumnName | None = Field(None, description="The column that gives ActivityName.")
    title: ColumnName | None = Field(None, description="The column that gives Title; by default that of `event`.")
    detail: ColumnName | None = Field(None, description="The column that gives Description.")
    url: ColumnName | None = Field(None, description="The string column that gives ExternalUrl.")
    customer: CustomerLink = Field(description="The foreign key to a source table of customers.")
    timeline: bool = Field(default=True, description="Whether reads return these activities.")
    time_zone: TimeZone = Field("UTC", description="The IANA time zone of date-times that have no offset.")


class UnifiedCustomer(_Part):
    """The unified customers."""

    file: Text = Field(description="A CSV or JSON Lines file, relative to this one.")
    columns: dict[ColumnName, Type] = Field(
        description="Columns of the Customer table, in order, CustomerId among them."
    )


class Measures(_Part):
    """What was computed of each customer: the Customer_Measure table."""

    file: Text = Field(description="A CSV or JSON Lines file, relative to this one; at most one record a customer.")
    columns: dict[ColumnName, Type] = Field(
        description="Columns of the Customer_Measure table, in order behind CustomerId, which is among them."
    )


class UnifiedFile(_Part):
    """One ready-made file."""

    file: Text = Field(description="A CSV or JSON Lines file, relative to this one.")


class Unified(_Part):
    """Files that are unified already."""

    customer: UnifiedCustomer = Field(description="The unified customers, one record each.")
    key_ring: UnifiedFile | None = Field(
        None, description="Which source record belongs to which customer: columns Table, Key, CustomerId."
    )
    activities: list[UnifiedFile] = Field([], description="Files of activities in UnifiedActivity format.")
    measures: Measures | None = Field(None, description="The measures of customers, computed already.")
    segments: UnifiedFile | None = Field(
        None,
        description="The members of segments: columns Segment, CustomerId. Without a CustomerId a record says only "
        "that the segment exists.",
    )


class Search(_Part):
    """Which columns of the unified customers are looked up by index; a key always is."""

    searchable: list[ColumnName] = Field([], description="String columns that `$search` looks into.")
    filterable: list[ColumnName] = Field([], description="Columns for `$filter`.")
    sortable: list[ColumnName] = Field([], description="Columns for `$orderby`.")
    facetable: list[ColumnName] = Field([], description="Columns whose values are counted.")


class Schedule(_Part):
    """When the service refreshes the instance by itself, from this file; four times a day at most."""

    cron: list[str] = Field(description="Cron lines such as `0 6 * * 1-5`.", min_length=1)
    time_zone: str = Field("UTC", description="IANA or Windows name of the zone that the lines are in.")


class EnvironmentFile(_Part):
    """An instance of Topcoat: its tables, activities and data."""

    instance: Instance = Field(description="Which instance this is.")
    lifetimes: Lifetimes = Field(Lifetimes(), description="Default lifetimes of real-time writes.")
    tables: dict[TableName, SourceTable] = Field({}, description="Source tables by qualified name.")
    activities: dict[TableName, Activity] = Field({}, description="Activity configurations by source table.")
    unified: Unified = Field(description="The data, unified already.")
    search: Search | None = Field(None, description="The search and filter index of the customers.")
    schedule: Schedule | None = Field(None, description="When the instance is refreshed by itself.")

    @classmethod
    def _unknown_key_reason(cls, key: str) -> str:
        if key in NOT_SUPPORTED_YET:
            return f"{key} is not supported yet; this version publishes files that are unified already (`unified`)"
        return super()._unknown_key_reason(key)
