"""Records of source tables as activities, set-wise what `core/mapping.py` makes of one that is posted (S11, S12)."""

from dataclasses import replace

import ibis
from ibis.expr import datatypes as dt
from ibis.expr import types as ir

from topcoat.core import mapping
from topcoat.core.catalog import ActivityConfiguration, Table
from topcoat.flows.refresh.output import documents, functions
from topcoat.flows.refresh.output.snapshot_rows import Raw, SnapshotRows


def activity_rows(table: Table, pulled: ir.Table, key_ring: ir.Table) -> SnapshotRows:
    """The activities of a configured table, of records that have a time, and a customer whom the key ring knows."""
    configuration, raw = _configuration(table), Raw.of(table)
    joined = with_customers(table, pulled, key_ring)
    made_by = repr(replace(configuration, is_shown=True))  # a hidden one is stored all the same (S16)
    return SnapshotRows(
        frame=joined.select(
            **raw.columns(pulled),
            customer_id=key_ring.customer_id,
            digest=raw.digest(pulled, key_ring.customer_id, made_by=made_by),
        ),
        finish=lambda rows: _finished(raw, configuration, rows),
        order=("customer_id", raw.names[table.columns_by_name[configuration.timestamp]]),
    )


def with_customers(table: Table, pulled: ir.Table, key_ring: ir.Table) -> ir.Table:
    """The records that are activities, beside the rows of the key ring that say whose."""
    return _timed(table, pulled).join(key_ring, _belongs(table, pulled, key_ring))


def unified(table: Table, values: documents.Values) -> dict[str, ir.Value]:
    """What UnifiedActivity has of a record in each of its columns, but its customer and those that stay empty."""
    key, time = _text(table, values, table.primary_key), time_of(table, values)
    texts = _texts(table, values) | {"SemanticData": documents.with_small_digits(documents.document_of(values))}
    return texts | {"ActivityId": activity_ids(table.name, key), "ActivityTime": time}


def time_of(table: Table, values: documents.Values) -> ir.TimestampValue:
    return values[table.columns_by_name[_configuration(table).timestamp]].cast(dt.Timestamp(scale=6))


def activity_ids(table_name: str, keys: ir.StringValue) -> ir.StringValue:
    """As `mapping.deterministic_activity_id`."""
    return _uuid_of(ibis.literal(f"{table_name}{mapping.KEY_SEPARATOR}".encode().hex()) + functions.hexadecimal(keys))


def id_of(name: ir.StringValue) -> ir.StringValue:
    """The activity's, by its `name_of`: making it of names is cheap where few of many are wanted."""
    return _uuid_of(functions.hexadecimal(name))


def name_of(table: Table, values: documents.Values) -> ir.StringValue:
    """What tells a record from those of all tables."""
    separator = functions.character(ord(mapping.KEY_SEPARATOR))
    return ibis.literal(table.name) + separator + _text(table, values, table.primary_key)


def _uuid_of(name: ir.StringValue) -> ir.StringValue:
    """A version 5 UUID of the namespace and a name in hexadecimal digits (RFC 9562)."""
    digits = functions.sha1(functions.unhex(ibis.literal(mapping.ACTIVITY_NAMESPACE.hex) + name))
    variant = digits[16:17].translate("0123456789abcdef", "89ab" * 4)
    parts = (digits[0:8], digits[8:12], ibis.literal("5") + digits[13:16], variant + digits[17:20], digits[20:32])
    return ibis.literal("-").join(parts)


def _configuration(table: Table) -> ActivityConfiguration:
    assert table.activity is not None  # asked of configured tables
    return table.activity


def _timed(table: Table, pulled: ir.Table) -> ir.Table:
    return pulled.filter(pulled[_configuration(table).timestamp].notnull())


def _belongs(table: Table, pulled: ir.Table, key_ring: ir.Table) -> list[ir.BooleanValue]:
    configuration = _configuration(table)
    column = table.columns_by_name[configuration.customer_column]
    key = documents.text_of(pulled[column.name], column.type)
    return [key == key_ring.source_key, key_ring.source_table == configuration.customer_table]


def _finished(raw: Raw, configuration: ActivityConfiguration, rows: ir.Table) -> ir.Table:
    table, values = raw.table, raw.values(rows)
    key, time = _text(table, values, table.primary_key), time_of(table, values)
    identified = rows.mutate(activity_id=activity_ids(table.name, key), semantic_data=documents.document_of(values))
    return identified.select(
        "activity_id",
        "customer_id",
        activity_time=functions.microseconds(time),
        activity_type=ibis.literal(configuration.type),
        source_table=ibis.literal(table.name),
        digest=rows.digest,
        document=_document(raw, identified, time),
    )


def _document(raw: Raw, rows: ir.Table, time: ir.Value) -> ir.StringValue:
    semantic_data = documents.with_small_digits(rows.semantic_data)
    texts = _texts(raw.table, raw.values(rows)) | {"SemanticData": semantic_data}
    plain = {"ActivityId": rows.activity_id, "ActivityTime": documents.instant_text(time)}
    members = {name: functions.to_json(text) for name, text in texts.items()}
    return documents.json_object(
        members | {name: ibis.literal('"') + text + ibis.literal('"') for name, text in plain.items()}
    )


def _texts(table: Table, values: documents.Values) -> dict[str, ir.StringValue]:
    """What the configuration and the columns that it names give."""
    configuration = _configuration(table)
    named = {
        "ActivityName": configuration.event,
        "Title": configuration.title or configuration.event,
        "Description": configuration.detail,
        "ExternalUrl": configuration.url,
        "ActualActivityId": table.primary_key,
    }
    return {
        "ActivityType": ibis.literal(configuration.type),
        "ActivityTypeDisplay": ibis.literal(configuration.name),
        "EntityName": ibis.literal(table.name),
        **{name: _text(table, values, column) for name, column in named.items() if column is not None},
    }


def _text(table: Table, values: documents.Values, name: str) -> ir.StringValue:
    column = table.columns_by_name[name]
    return documents.text_of(values[column], column.type)
