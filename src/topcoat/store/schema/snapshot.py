"""What a refresh brings, generation by generation; rows live in half-open intervals of them (S21)."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from topcoat.store.schema.columns import DATA, json_document, key_text, metadata

generation = Table(
    "generation",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False, comment="building, active, closed, undone or failed"),
    Column("catalog", json_document(), nullable=False),
    Column("profile_count", BigInteger, nullable=False),
    Column("activity_count", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("activated_at", BigInteger),
    Column("closed_at", BigInteger),
    Column("refreshed_at", BigInteger, comment="of the refresh that brought its rows; null: when it was activated"),
    Column("judged_at", BigInteger, comment="when that refresh was held against the overlay"),
    Column("outcomes", json_document(), comment="how many of them, of changes and of activities"),
    info=DATA,
)

snapshot_profile = Table(
    "snapshot_profile",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", key_text(), primary_key=True),
    Column("generation_from", BigInteger, primary_key=True, autoincrement=False),
    Column("generation_to", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("document", json_document(), nullable=False),
    postgresql_with={"fillfactor": 80},
    info=DATA,
)

snapshot_activity = Table(
    "snapshot_activity",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    # Before customer_id: behind it, PostgreSQL's generic plan for a customer with many activities is far slower.
    Column("activity_id", key_text(), primary_key=True),
    Column("customer_id", key_text(), primary_key=True),
    Column("generation_from", BigInteger, primary_key=True, autoincrement=False),
    Column("generation_to", BigInteger, nullable=False),
    Column("activity_time", BigInteger, nullable=False),
    Column("activity_type", Text),
    Column("source_table", Text),
    Column("digest", LargeBinary, nullable=False),
    Column("document", json_document(), nullable=False),
    Index("ix_snapshot_activity_timeline", "customer_id", "instance_id", "activity_time", "activity_id"),
    Index("ix_snapshot_activity_time", "activity_time", "activity_id", "customer_id", "instance_id"),
    postgresql_with={"fillfactor": 80},
    info=DATA,
)

key_ring = Table(
    "key_ring",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("source_table", key_text(), primary_key=True),
    Column("source_key", key_text(), primary_key=True),
    Column("customer_id", key_text(), primary_key=True),
    Column("generation_from", BigInteger, primary_key=True, autoincrement=False),
    Column("generation_to", BigInteger, nullable=False),
    Index(None, "customer_id", "instance_id"),
    info=DATA,
)

alias = Table(
    "alias",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("alias_id", key_text(), primary_key=True),
    Column("customer_id", key_text(), primary_key=True),
    Column("generation_from", BigInteger, primary_key=True, autoincrement=False),
    Column("generation_to", BigInteger, nullable=False),
    Index(None, "customer_id", "instance_id"),
    info=DATA,
)

measure_record = Table(
    "measure_record",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", key_text(), primary_key=True),
    Column("generation_from", BigInteger, primary_key=True, autoincrement=False),
    Column("generation_to", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("document", json_document(), nullable=False),
    postgresql_with={"fillfactor": 80},
    info=DATA,
)

segment_membership = Table(
    "segment_membership",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("segment", key_text(), primary_key=True),
    Column("customer_id", key_text(), primary_key=True, comment="empty on the row by which the segment exists"),
    Column("generation_from", BigInteger, primary_key=True, autoincrement=False),
    Column("generation_to", BigInteger, nullable=False),
    Index(None, "customer_id", "instance_id"),
    info=DATA,
)

source_record = Table(
    "source_record",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("source_table", key_text(), primary_key=True),
    Column("source_key", key_text(), primary_key=True),
    Column("generation_from", BigInteger, primary_key=True, autoincrement=False),
    Column("generation_to", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("document", json_document(), nullable=False),
    info=DATA,
    postgresql_with={"fillfactor": 80},
)

reconciliation = Table(
    "reconciliation",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", key_text(), primary_key=True, comment="the id that the call named"),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False, comment="of the change or activity"),
    Column("column_name", key_text(), primary_key=True, comment="empty on an activity's row"),
    Column("generation_from", BigInteger, primary_key=True, autoincrement=False),
    Column("generation_to", BigInteger, nullable=False),
    Column("activity_id", Text, comment="null on a change's row"),
    Column("outcome", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("valid_until", BigInteger, nullable=False),
    Column("caller", Text),
    postgresql_with={"fillfactor": 80},
    info=DATA,
)
