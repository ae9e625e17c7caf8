"""What the service keeps to run: jobs and schedules, usage, the clock, keys that it signs with."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text, text

from topcoat.store.schema.columns import CONFIGURATION, JOURNAL, json_document, key_text, metadata

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
    info=JOURNAL,
)

call_ledger = Table(
    "call_ledger",
    metadata,
    Column("caller", key_text(), primary_key=True, comment="a digest"),
    Column("version", BigInteger, nullable=False, comment="another number after each write"),
    Column("document", Text, nullable=False),
    Column("kept_until", BigInteger, nullable=False),
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
    Column("report", json_document(), comment="of the run; null until it has ended"),
    Index("uq_job_due", "due_at", "schedule_id", "instance_id", unique=True),
    Index("ix_job_status", "status"),
    info=JOURNAL,
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
    info=JOURNAL,
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
    info=CONFIGURATION,
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

authorization_code = Table(
    "authorization_code",
    metadata,
    Column("code_digest", key_text(), primary_key=True),
    Column("document", Text, nullable=False, comment="what it stands for"),
    Column("expires_at", BigInteger, nullable=False),
    Column("redeemed_at", BigInteger),
)

signing_key = Table(
    "signing_key",
    metadata,
    Column("purpose", key_text(), primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
