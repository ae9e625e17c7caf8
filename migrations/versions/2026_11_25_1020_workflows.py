"""Jobs with their tasks, schedules, and the environment file that an instance is refreshed from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_25_1020"
down_revision = "2026_11_25_1001"
branch_labels = None
depends_on = None

KEY_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
JSON_DOCUMENT = sa.Text().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column(
        "instance",
        sa.Column(
            "environment_file",
            sa.Text(),
            nullable=True,
            comment="absolute path; null until a refresh by environment file",
        ),
    )
    op.create_table(
        "job",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False, comment="in the order of submission"),
        sa.Column("job_id", KEY_TEXT, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False, comment="caller, schedule or command line"),
        sa.Column("operation_type", sa.Text(), nullable=False),
        sa.Column("identifiers", JSON_DOCUMENT, nullable=False),
        sa.Column("job_type", sa.Text(), nullable=False),
        sa.Column("is_forced", sa.Boolean(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column(
            "submitted_at",
            sa.BigInteger(),
            nullable=False,
            comment="on the service clock, as started_at and ended_at",
        ),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("schedule_id", KEY_TEXT, nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True, comment="when the schedule fell due"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True, comment="of the run that may write to this job"),
        sa.Column(
            "lease_until",
            sa.BigInteger(),
            nullable=False,
            comment="on the system clock; behind it the run counts as dead",
        ),
        sa.Column(
            "generation",
            sa.BigInteger(),
            nullable=True,
            comment="that it activated; it cannot be cancelled any more",
        ),
        sa.PrimaryKeyConstraint("instance_id", "number", name=op.f("pk_job")),
        sa.UniqueConstraint("job_id", name=op.f("uq_job_job_id")),
    )
    op.create_index("uq_job_due", "job", ["due_at", "schedule_id", "instance_id"], unique=True)
    op.create_index("ix_job_status", "job", ["status"])
    op.create_table(
        "job_task",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False, comment="of the job"),
        sa.Column("operation_type", KEY_TEXT, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False, comment="in the order of running"),
        sa.Column("task_id", KEY_TEXT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("fault", JSON_DOCUMENT, nullable=True, comment="why it failed or was skipped"),
        sa.PrimaryKeyConstraint("instance_id", "number", "operation_type", name=op.f("pk_job_task")),
    )
    op.create_table(
        "schedule",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("schedule_id", KEY_TEXT, nullable=False),
        sa.Column("operation_type", sa.Text(), nullable=False),
        sa.Column("sub_type", sa.Text(), nullable=False),
        sa.Column("identifiers", JSON_DOCUMENT, nullable=False),
        sa.Column("job_type", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False, comment="as it was given"),
        sa.Column("lines", JSON_DOCUMENT, nullable=False),
        sa.Column(
            "next_due_at",
            sa.BigInteger(),
            nullable=True,
            comment="on the service clock; null where it never falls due again",
        ),
        sa.Column("principal", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("instance_id", "schedule_id", name=op.f("pk_schedule")),
    )
    op.create_index("ix_schedule_next_due_at", "schedule", ["next_due_at"])


def downgrade() -> None:
    op.drop_table("schedule")
    op.drop_table("job_task")
    op.drop_table("job")
    op.drop_column("instance", "environment_file")
