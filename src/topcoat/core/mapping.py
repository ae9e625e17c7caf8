"""Source records become activities, by their table's activity configuration (S11, S12)."""

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from topcoat.core import catalog, errors
from topcoat.core.catalog import ActivityConfiguration, Document, Table

ACTIVITY_NAMESPACE = uuid.UUID("7c0a7000-0000-5000-8000-00000000ac71")
KEY_SEPARATOR = "\x1f"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CustomerReference:
    """A record of a source customer table, by its primary key; a key ring says whose profile it belongs to (S19)."""

    table: str
    key: str


@dataclass(frozen=True, slots=True)
class SourceActivity:
    """A source record as an activity whose customer is still to be found through the key ring."""

    document: Document
    customer: CustomerReference


def deterministic_activity_id(table_name: str, primary_key: str) -> str:
    """The same source table and primary key give the same id, in real time and in a refresh (S12)."""
    return str(uuid.uuid5(ACTIVITY_NAMESPACE, f"{table_name}{KEY_SEPARATOR}{primary_key}"))


def time_ordered_activity_id(now: datetime, randomness: bytes) -> str:
    """A version 7 UUID (RFC 9562) of the instant and ten random bytes, for activities that bring no id."""
    milliseconds = (now - _EPOCH) // timedelta(milliseconds=1) & (2**48 - 1)
    number = milliseconds << 80 | int.from_bytes(randomness[:10])
    number = number & ~(0xF << 76) | 7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=number))


def map_source_record(table: Table, record: Document) -> SourceActivity:
    """Turn a validated source record into an activity; its columns are named by the configuration."""
    configuration = table.activity
    if configuration is None:
        raise errors.ActivityNotConfigured(table=table.name)
    primary_key = _required_text(table, record, table.primary_key)
    foreign_key = _required_text(table, record, configuration.customer_column)
    _required_text(table, record, configuration.timestamp)
    return SourceActivity(
        document=_activity_document(table, configuration, record, primary_key),
        customer=CustomerReference(configuration.customer_table, foreign_key),
    )


def validate_source_record(table: Table, record: Any) -> Document:
    """Like `catalog.validate_record`, with the table's time zone for date-times that have no offset."""
    return catalog.validate_record(table, {name: localised(table, name, value) for name, value in record.items()})


def localised(table: Table, column: str, value: Any) -> Any:
    """A date-time without an offset as the instant that it is in the table's time zone; any other value as it is."""
    if table.activity is None or table.activity.time_zone == "UTC":
        return value
    if not isinstance(value, str) or not _is_date_time(table, column):
        return value
    try:
        return catalog.format_instant(catalog.parse_instant(value, ZoneInfo(table.activity.time_zone)))
    except ValueError:
        return value


def _activity_document(
    table: Table, configuration: ActivityConfiguration, record: Document, primary_key: str
) -> Document:
    mapped = {
        "ActivityId": deterministic_activity_id(table.name, primary_key),
        "ActivityTime": _instant_text(record[configuration.timestamp]),
        "ActivityType": configuration.type,
        "ActivityTypeDisplay": configuration.name,
        "ActivityName": _text_of(record, configuration.event),
        "Title": _text_of(record, configuration.title or configuration.event),
        "Description": _text_of(record, configuration.detail),
        "ExternalUrl": _text_of(record, configuration.url),
        "EntityName": table.name,
        "ActualActivityId": primary_key,
        "SemanticData": _semantic_data(record),
    }
    return {name: value for name, value in mapped.items() if value is not None}


def _semantic_data(record: Document) -> str:
    """The record without its nulls, spelled as a refresh spells it set-wise."""
    present = {name: value for name, value in record.items() if value is not None}
    return json.dumps(present, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _required_text(table: Table, record: Document, column: str) -> str:
    text = _text_of(record, column)
    if text is None or not text:
        raise errors.MissingColumn(table=table.name, column=column)
    return text


def _text_of(record: Document, column: str | None) -> str | None:
    value = record.get(column) if column is not None else None
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def _instant_text(value: str) -> str:
    """A date alone means its first instant, UTC."""
    return value if "T" in value else f"{value}T00:00:00Z"


def _is_date_time(table: Table, name: str) -> bool:
    column = table.columns_by_name.get(name)
    return column is not None and column.type is catalog.ColumnType.DATE_TIME


def document_digest(canonical_json: bytes) -> bytes:
    """Sixteen bytes that tell whether a snapshot row changed."""
    return hashlib.blake2b(canonical_json, digest_size=16).digest()
