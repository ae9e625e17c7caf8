"""The shape of the environment file, for pydantic and for the published JSON Schema."""

import enum
from typing import Annotated, Final

from pydantic import Field

from topcoat.core.overlay import lifetime
from topcoat.flows.refresh.environment_parts import (
    ColumnName,
    Guid,
    Lifetime,
    Part,
    SubscriptionKey,
    TableName,
    Text,
    TimeZone,
    Type,
    one_of,
)
from topcoat.flows.refresh.unification_model import Enrichment, EnrichmentTable, PredictionTable, Unification

QUARANTINE_SHARE_MAX: Final = 0.05

_INSTEAD: Final = {
    "data_sources": "; a table's own keys `file` and `database` say where it comes from",
    "measures": "; define measures over the API, or give computed ones under `unified`",
    "segments": "; define segments over the API, or give computed ones under `unified`",
}


class InstanceType(enum.Enum):
    TRIAL = "trial"
    SANDBOX = "sandbox"
    PRODUCTION = "production"
    PITCH_DEMO = "pitchDemo"
    POV = "pov"


class SubscriptionKeys(Part):
    """Keys that callers send as `Ocp-Apim-Subscription-Key`."""

    primary: SubscriptionKey | None = Field(None, description="The first key.")
    secondary: SubscriptionKey | None = Field(None, description="The second key, for changing them in turn.")


class Instance(Part):
    """Which instance the file describes; a refresh creates it if it is missing."""

    id: Guid = Field(description="The instance's GUID.")
    name: Text = Field(description="The instance's display name.")
    type: Annotated[InstanceType, one_of(InstanceType)] = Field(
        InstanceType.SANDBOX, description="What the API says the instance is."
    )
    subscription_keys: SubscriptionKeys = Field(SubscriptionKeys(), description="Subscription keys of the instance.")


class Lifetimes(Part):
    """How long real-time writes count when they do not say it themselves; ISO 8601, at most 30 days."""

    profile: Lifetime = Field(lifetime.PROFILE_LIFETIME, description="Of a profile change.")
    activity: Lifetime = Field(lifetime.ACTIVITY_LIFETIME, description="Of an activity.")


class Database(Part):
    """A table of a SQL database, or a query."""

    url: Text = Field(description="Such as postgresql://user:password@host/database, sqlite:///file, mysql://….")
    table: Text | None = Field(None, description="The table's name, behind its schema and a point if it has one.")
    query: Text | None = Field(None, description="A SELECT instead of a table.")
    watermark: ColumnName | None = Field(
        None, description="A column that grows with every change: rows below its highest value are not read again."
    )


class SourceTable(Part):
    """A table of a data source."""

    primary_key: ColumnName = Field(description="The column that identifies a record; string or integer.")
    columns: dict[ColumnName, Type] = Field(description="Column names and their types.")
    data_source: Text | None = Field(
        None, description="The data source; by default the part of the table's name before the first underscore."
    )
    file: Text | None = Field(
        None,
        description="A file of its records, relative to this one: CSV or JSON Lines; for unification Parquet as well, "
        "a pattern such as `contacts/*.csv`, or a folder. Without it no record can be read.",
    )
    database: Database | None = Field(None, description="Where its records are, for unification, instead of a file.")
    keep_rows: bool = Field(default=True, description="Whether its records can be read as they came.")


class CustomerLink(Part):
    """How an activity finds its customer."""

    column: ColumnName = Field(description="The column that holds the key of the customer's source record.")
    table: TableName = Field(description="The source table of customers that the key belongs to.")


class Activity(Part):
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


class UnifiedCustomer(Part):
    """The unified customers."""

    file: Text = Field(description="A CSV or JSON Lines file, relative to this one.")
    columns: dict[ColumnName, Type] = Field(
        description="Columns of the Customer table, in order, CustomerId among them."
    )


class Measures(Part):
    """What was computed of each customer: the Customer_Measure table."""

    file: Text = Field(description="A CSV or JSON Lines file, relative to this one; at most one record a customer.")
    columns: dict[ColumnName, Type] = Field(
        description="Columns of the Customer_Measure table, in order behind CustomerId, which is among them."
    )


class UnifiedFile(Part):
    """One ready-made file."""

    file: Text = Field(description="A CSV or JSON Lines file, relative to this one.")


class Unified(Part):
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


class Search(Part):
    """Which columns of the unified customers are looked up by index; a key always is."""

    searchable: list[ColumnName] = Field([], description="String columns that `$search` looks into.")
    filterable: list[ColumnName] = Field([], description="Columns for `$filter`.")
    sortable: list[ColumnName] = Field([], description="Columns for `$orderby`.")
    facetable: list[ColumnName] = Field([], description="Columns whose values are counted.")


class Schedule(Part):
    """When the service refreshes the instance by itself, from this file; four times a day at most."""

    cron: list[str] = Field(description="Cron lines such as `0 6 * * 1-5`.", min_length=1)
    time_zone: str = Field("UTC", description="IANA or Windows name of the zone that the lines are in.")


class EnvironmentFile(Part):
    """An instance of Topcoat: its tables, activities and data."""

    instance: Instance = Field(description="Which instance this is.")
    lifetimes: Lifetimes = Field(Lifetimes(), description="Default lifetimes of real-time writes.")
    tables: dict[TableName, SourceTable] = Field({}, description="Source tables by qualified name.")
    activities: dict[TableName, Activity] = Field({}, description="Activity configurations by source table.")
    unified: Unified | None = Field(None, description="The data, unified already; or else `unification`.")
    unification: Unification | None = Field(None, description="How source tables become profiles; or else `unified`.")
    quarantine_share_max: float = Field(
        QUARANTINE_SHARE_MAX, ge=0, le=1, description="The share of a table's rows that may be faulty, for unification."
    )
    enrichment: Enrichment = Field(Enrichment(), description="What is added to profiles behind unification.")
    enrichments: dict[ColumnName, EnrichmentTable] = Field({}, description="Enrichments computed elsewhere, by name.")
    predictions: dict[ColumnName, PredictionTable] = Field({}, description="Predictions computed elsewhere, by name.")
    search: Search | None = Field(None, description="The search and filter index of the customers.")
    schedule: Schedule | None = Field(None, description="When the instance is refreshed by itself.")

    @classmethod
    def _unknown_key_reason(cls, key: str) -> str:
        if key in _INSTEAD:
            return f"{key} is not supported here{_INSTEAD[key]}"
        return super()._unknown_key_reason(key)
