"""Instances, who enters them, and what people set up in them."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, SmallInteger, Table, Text, text

from topcoat.store.schema.columns import ACCESS, CONFIGURATION, DATA, IDENTITY, json_document, key_text, metadata

instance = Table(
    "instance",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=True),
    Column("guid", key_text(), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("instance_type", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("active_generation", BigInteger, comment="null before the first refresh"),
    Column("profile_lifetime", BigInteger, nullable=False, comment="microseconds"),
    Column("activity_lifetime", BigInteger, nullable=False, comment="microseconds"),
    Column("region", Text, comment="as it was given; nothing is kept elsewhere for it"),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    Column("created_by", Text),
    Column("updated_by", Text),
    Column("environment_file", Text, comment="absolute path; null until a refresh by environment file"),
    info=IDENTITY,
)

removed_instance = Table(
    "removed_instance",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("guid", key_text(), nullable=False),
    Column("last_generation", BigInteger, nullable=False, comment="the next instance of that GUID counts on"),
    Column("last_sequence", BigInteger, nullable=False),
    Column("last_recorded_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger, nullable=False),
    Column("swept_at", BigInteger, comment="null while rows of it may be left"),
    info=IDENTITY,
)

instance_counter = Table(
    "instance_counter",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("last_generation", BigInteger, nullable=False, comment="numbers are never used twice"),
    Column("last_sequence", BigInteger, nullable=False),
    Column("last_recorded_at", BigInteger, nullable=False),
    info=IDENTITY,
)

api_access = Table(
    "api_access",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("is_enabled", SmallInteger, nullable=False, comment="0: keys open nothing"),
    Column("primary_digest", LargeBinary, comment="of the key, by SHA-256"),
    Column("primary_changed_at", BigInteger),
    Column("secondary_digest", LargeBinary, comment="of the key, by SHA-256"),
    Column("secondary_changed_at", BigInteger),
    Column("file_digest", LargeBinary, comment="of the environment file's keys that were applied last"),
    info=IDENTITY,
)

role_assignment = Table(
    "role_assignment",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("principal_id", key_text(), primary_key=True),
    Column("kind", Text, nullable=False, comment="user, group or app"),
    Column("roles", json_document(), nullable=False, comment="empty: not even those it has by default"),
    info=ACCESS,
)

definition = Table(
    "definition",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("kind", key_text(), primary_key=True, comment="relationship or hierarchy"),
    Column("name", key_text(), primary_key=True),
    Column("document", json_document(), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_by", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_by", Text),
    Column("updated_at", BigInteger, nullable=False),
    info=CONFIGURATION,
)

insight_evaluation = Table(
    "insight_evaluation",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("kind", key_text(), primary_key=True, comment="measure or segment"),
    Column("name", key_text(), primary_key=True),
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("run_id", Text, nullable=False),
    Column("evaluated_at", BigInteger, nullable=False),
    Column("error", Text, comment="null where it succeeded"),
    Column("record_count", BigInteger, comment="members, or customers with a value; null where it failed"),
    Column("output", json_document(), comment="of a scalar measure"),
    info=DATA,
)
