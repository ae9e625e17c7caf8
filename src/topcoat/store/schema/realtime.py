"""What callers write in real time, each with its lapse."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, text

from topcoat.store.schema.columns import DATA, json_document, key_text, metadata, token_list

override = Table(
    "override",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", key_text(), primary_key=True, comment="the id that the call named"),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("valid_until", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("caller", Text),
    Column("principal", Text),
    Column("column_values", json_document(), nullable=False),
    Column("tokens", token_list(), comment="of every string; null only on rows older than the column"),
    Index(None, "customer_id", "instance_id", "valid_until"),
    Index(None, "sequence", "instance_id"),
    Index(None, "valid_until", "instance_id"),
    Index("ix_override_tokens", "tokens", postgresql_using="gin", postgresql_where=text("tokens IS NOT NULL")).ddl_if(
        dialect="postgresql"
    ),
    info=DATA,
)

override_release = Table(
    "override_release",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column(
        "customer_id",
        key_text(),
        primary_key=True,
        comment="that of the change; of the survivor for a confirmation",
    ),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column(
        "released_sequence",
        BigInteger,
        nullable=False,
        comment="the change withdrawn, or the highest one judged",
    ),
    Column("column_name", Text, comment="set on a confirmation"),
    Column("generation", BigInteger, comment="set on a confirmation"),
    Column("principal", Text),
    info=DATA,
)

realtime_activity = Table(
    "realtime_activity",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("activity_id", key_text(), primary_key=True),
    Column("customer_id", key_text(), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("activity_time", BigInteger, nullable=False),
    Column("activity_type", Text),
    Column("source_table", Text),
    Column("valid_until", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("caller", Text),
    Column("principal", Text),
    Column("document", json_document(), nullable=False),
    Index("ix_realtime_activity_timeline", "customer_id", "instance_id", "activity_time", "activity_id"),
    Index("ix_realtime_activity_time", "activity_time", "activity_id", "customer_id", "instance_id"),
    Index(None, "valid_until", "instance_id"),
    info=DATA,
)

waiting_activity = Table(
    "waiting_activity",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("activity_id", key_text(), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("customer_table", key_text(), nullable=False),
    Column("customer_key", key_text(), nullable=False),
    Column("activity_time", BigInteger, nullable=False),
    Column("activity_type", Text),
    Column("source_table", Text),
    Column("valid_until", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("caller", Text),
    Column("principal", Text),
    Column("document", json_document(), nullable=False),
    Index("ix_waiting_activity_customer", "customer_key", "customer_table", "instance_id"),
    Index(None, "valid_until", "instance_id"),
    info=DATA,
)

idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("key_digest", key_text(), primary_key=True, comment="of principal and key"),
    Column("request_digest", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False, comment="of the write that happened under it"),
    Column("valid_until", BigInteger, nullable=False, comment="that of the write"),
    Column("customer_id", key_text(), comment="null where an activity waited"),
    Column("activity_id", key_text()),
    Column("document", Text, comment="of the activity, as it was answered"),
    Index(None, "valid_until", "instance_id"),
    info=DATA,
)
