"""The tables. Instants are integer microseconds; row intervals `[generation_from, generation_to)` are half open (S21).

Every table that grows carries `instance_id` and `customer_id` in its primary key, and nothing refers across customers,
so that PostgreSQL can be distributed by `customer_id`. (`waiting_activity` has no customer yet, nor has every row of
`idempotency_key`; `source_record` has none.)
The indexes of an instance's search configuration are not here: `store/search_definitions.py` says which there are.
No index but a primary key begins with `instance_id`: on a table without statistics PostgreSQL would take any that does
for a look-up by key, and read the whole instance.
Every table with an `instance_id` says in `info` what it holds, so that copying, resetting and deleting an instance
reach it.
"""

import enum
from typing import Any, Final

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.types import TypeEngine

HEAD_REVISION = "2026_11_25_1026"
GENERATION_OPEN = 2**63 - 1

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


class Holding(enum.Enum):
    """What the rows of an instance are to it."""

    IDENTITY = "the instance itself"
    DATA = "what a refresh and real-time writes bring; gone after a reset, never copied"
    CONFIGURATION = "what people set up; copied, gone after a reset of everything"
    ACCESS = "who may do what; copied, kept by a reset"
    JOURNAL = "what was done; kept by a reset, never copied"


HOLDS: Final = "holds"
_IDENTITY: Final[dict[Any, Any]] = {HOLDS: Holding.IDENTITY}
_DATA: Final[dict[Any, Any]] = {HOLDS: Holding.DATA}
_CONFIGURATION: Final[dict[Any, Any]] = {HOLDS: Holding.CONFIGURATION}
_ACCESS: Final[dict[Any, Any]] = {HOLDS: Holding.ACCESS}
_JOURNAL: Final[dict[Any, Any]] = {HOLDS: Holding.JOURNAL}


def key_text() -> TypeEngine[str]:
    """Text that sorts by code point on both databases."""
    return Text().with_variant(Text(collation="C"), "postgresql")


def json_document() -> TypeEngine[str]:
    """Read and written as JSON text."""
    return Text().with_variant(JSONB(), "postgresql")


def token_list() -> TypeEngine[str]:
    """On SQLite text with a blank before, between and behind tokens."""
    return Text().with_variant(ARRAY(Text), "postgresql")


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
    info=_IDENTITY,
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
    info=_IDENTITY,
)

instance_counter = Table(
    "instance_counter",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("last_generation", BigInteger, nullable=False, comment="numbers are never used twice"),
    Column("last_sequence", BigInteger, nullable=False),
    Column("last_recorded_at", BigInteger, nullable=False),
    info=_IDENTITY,
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
    info=_IDENTITY,
)

role_assignment = Table(
    "role_assignment",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("principal_id", key_text(), primary_key=True),
    Column("kind", Text, nullable=False, comment="user, group or app"),
    Column("roles", json_document(), nullable=False, comment="empty: not even those it has by default"),
    info=_ACCESS,
)

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
    info=_DATA,
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
    info=_DATA,
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
    info=_DATA,
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
    info=_DATA,
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
    info=_DATA,
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
    info=_DATA,
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
    info=_DATA,
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
    info=_DATA,
    postgresql_with={"fillfactor": 80},
)

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
    info=_DATA,
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
    info=_DATA,
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
    info=_DATA,
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
    info=_DATA,
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
    info=_DATA,
)

search_configuration = Table(
    "search_configuration",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("document", json_document(), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("built_version", BigInteger, comment="what the indexes and tokens are complete for"),
    Column("file_digest", Text, comment="of the environment file's section that was applied last"),
    Column("created_by", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_by", Text),
    Column("updated_at", BigInteger, nullable=False),
    info=_CONFIGURATION,
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
    info=_DATA,
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
    info=_CONFIGURATION,
)

profile_search = Table(
    "profile_search",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", key_text(), primary_key=True),
    Column("generation_from", BigInteger, primary_key=True, autoincrement=False),
    Column("tokens", token_list(), nullable=False),
    Column("text_row", BigInteger, comment="SQLite: the row of profile_search_text"),
    Index("ix_profile_search_tokens", "tokens", postgresql_using="gin").ddl_if(dialect="postgresql"),
    Index("ix_profile_search_text_row", "text_row").ddl_if(dialect="sqlite"),
    info=_DATA,
)

# SQLite finds tokens by full text. The tokenizer splits at ASCII punctuation and blanks only, and no token has any.
# `text_row` and not the rowid joins the two, because VACUUM may number rows anew.
PROFILE_SEARCH_TEXT = "profile_search_text"
SQLITE_SEARCH_OBJECTS = (
    f"""
CREATE VIRTUAL TABLE {PROFILE_SEARCH_TEXT} USING fts5(
    tokens, content='profile_search', content_rowid='text_row', tokenize='ascii', detail='none', columnsize=0
)""",
    f"""
CREATE TRIGGER profile_search_insert AFTER INSERT ON profile_search BEGIN
    UPDATE profile_search SET text_row = (SELECT coalesce(max(text_row), 0) + 1 FROM profile_search)
    WHERE rowid = new.rowid;
    INSERT INTO {PROFILE_SEARCH_TEXT} (rowid, tokens)
    SELECT text_row, tokens FROM profile_search WHERE rowid = new.rowid;
END""",
    f"""
CREATE TRIGGER profile_search_update AFTER UPDATE OF tokens ON profile_search BEGIN
    INSERT INTO {PROFILE_SEARCH_TEXT} ({PROFILE_SEARCH_TEXT}, rowid, tokens)
    VALUES ('delete', old.text_row, old.tokens);
    INSERT INTO {PROFILE_SEARCH_TEXT} (rowid, tokens) VALUES (new.text_row, new.tokens);
END""",
    f"""
CREATE TRIGGER profile_search_delete AFTER DELETE ON profile_search BEGIN
    INSERT INTO {PROFILE_SEARCH_TEXT} ({PROFILE_SEARCH_TEXT}, rowid, tokens)
    VALUES ('delete', old.text_row, old.tokens);
END""",
)


def _on_sqlite(statement: str) -> ExecutableDDLElement:
    ddl: ExecutableDDLElement = DDL(statement)  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    return ddl.execute_if(dialect="sqlite")


for _statement in SQLITE_SEARCH_OBJECTS:
    event.listen(profile_search, "after_create", _on_sqlite(_statement))
event.listen(profile_search, "before_drop", _on_sqlite(f"DROP TABLE IF EXISTS {PROFILE_SEARCH_TEXT}"))


def is_own(name: str | None, kind: str, _parent: object = None) -> bool:
    """For Alembic: FTS5 keeps tables of its own beside the one asked for."""
    return kind != "table" or not (name or "").startswith(PROFILE_SEARCH_TEXT)


def is_on_both(_object: object, name: str | None, kind: str, _is_reflected: bool, _other: object) -> bool:  # noqa: FBT001 - Alembic's signature
    """For Alembic, which takes the indexes of one kind of database for missing on the other."""
    return kind != "index" or name not in (
        "ix_override_tokens",
        "ix_profile_search_tokens",
        "ix_profile_search_text_row",
    )


api_usage = Table(
    "api_usage",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("operation", key_text(), primary_key=True),
    Column("table_name", key_text(), primary_key=True, comment="empty where there is none"),
    Column("caller", key_text(), primary_key=True, comment="empty where the caller is not known"),
    Column("status", Integer, primary_key=True, autoincrement=False),
    Column("error", key_text(), primary_key=True, comment="its code; empty where there is none"),
    Column("calls", BigInteger, nullable=False),
    Column("received_bytes", BigInteger, nullable=False),
    Column("sent_bytes", BigInteger, nullable=False),
    Column("microseconds", BigInteger, nullable=False),
    Index(None, "hour"),
    info=_JOURNAL,
)

counter = Table(
    "counter",
    metadata,
    Column("name", key_text(), primary_key=True),
    Column("labels", key_text(), primary_key=True, comment="a JSON array"),
    Column("value", BigInteger, nullable=False),
)

job = Table(
    "job",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False, comment="in the order of submission"),
    Column("job_id", key_text(), nullable=False, unique=True),
    Column("origin", Text, nullable=False, comment="caller, schedule or command line"),
    Column("operation_type", Text, nullable=False),
    Column("identifiers", json_document(), nullable=False),
    Column("job_type", Text, nullable=False),
    Column("is_forced", Boolean, nullable=False),
    Column("principal", Text),
    Column("status", Text, nullable=False),
    Column("submitted_at", BigInteger, nullable=False, comment="on the service clock, as started_at and ended_at"),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("schedule_id", key_text()),
    Column("due_at", BigInteger, comment="when the schedule fell due"),
    Column("attempts", Integer, nullable=False),
    Column("lease_owner", Text, comment="of the run that may write to this job"),
    Column("lease_until", BigInteger, nullable=False, comment="on the system clock; behind it the run counts as dead"),
    Column("generation", BigInteger, comment="that it activated; it cannot be cancelled any more"),
    Index("uq_job_due", "due_at", "schedule_id", "instance_id", unique=True),
    Index("ix_job_status", "status"),
    info=_JOURNAL,
)

job_task = Table(
    "job_task",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False, comment="of the job"),
    Column("operation_type", key_text(), primary_key=True),
    Column("place", Integer, nullable=False, comment="in the order of running"),
    Column("task_id", key_text(), nullable=False),
    Column("status", Text, nullable=False),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("fault", json_document(), comment="why it failed or was skipped"),
    info=_JOURNAL,
)

schedule = Table(
    "schedule",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("schedule_id", key_text(), primary_key=True),
    Column("operation_type", Text, nullable=False),
    Column("sub_type", Text, nullable=False),
    Column("identifiers", json_document(), nullable=False),
    Column("job_type", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("time_zone", Text, nullable=False, comment="as it was given"),
    Column("lines", json_document(), nullable=False),
    Column("next_due_at", BigInteger, comment="on the service clock; null where it never falls due again"),
    Column("principal", Text),
    Index("ix_schedule_next_due_at", "next_due_at"),
    info=_CONFIGURATION,
)

call_ledger = Table(
    "call_ledger",
    metadata,
    Column("caller", key_text(), primary_key=True, comment="a digest"),
    Column("version", BigInteger, nullable=False, comment="another number after each write"),
    Column("document", Text, nullable=False),
    Column("kept_until", BigInteger, nullable=False),
)

service_clock = Table(
    "service_clock",
    metadata,
    Column("clock_id", SmallInteger, primary_key=True, autoincrement=False, comment="always 1"),
    Column(
        "shift",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="microseconds ahead of the system clock",
    ),
    Column("frozen_at", BigInteger),
)

signing_key = Table(
    "signing_key",
    metadata,
    Column("purpose", key_text(), primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
