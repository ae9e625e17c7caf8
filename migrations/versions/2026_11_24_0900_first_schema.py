"""The first schema: instances, generations with row intervals, and the real-time overlay."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_24_0900"
down_revision = None
branch_labels = None
depends_on = None

KEY_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
JSON_DOCUMENT = sa.Text().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "alias",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("alias_id", KEY_TEXT, nullable=False),
        sa.Column("customer_id", KEY_TEXT, nullable=False),
        sa.Column("generation_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation_to", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "alias_id", "customer_id", "generation_from", name=op.f("pk_alias")),
    )
    op.create_index(op.f("ix_alias_customer_id_instance_id"), "alias", ["customer_id", "instance_id"], unique=False)
    op.create_table(
        "generation",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="building, active, closed, undone or failed"),
        sa.Column("catalog", JSON_DOCUMENT, nullable=False),
        sa.Column("profile_count", sa.BigInteger(), nullable=False),
        sa.Column("activity_count", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("activated_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("instance_id", "generation", name=op.f("pk_generation")),
    )
    op.create_table(
        "instance",
        sa.Column("instance_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("guid", KEY_TEXT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("instance_type", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("active_generation", sa.BigInteger(), nullable=True, comment="null before the first refresh"),
        sa.Column("profile_lifetime", sa.BigInteger(), nullable=False, comment="microseconds"),
        sa.Column("activity_lifetime", sa.BigInteger(), nullable=False, comment="microseconds"),
        sa.Column("subscription_keys", JSON_DOCUMENT, nullable=True, comment="null: the well-known keys hold"),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_instance")),
        sa.UniqueConstraint("guid", name=op.f("uq_instance_guid")),
    )
    op.create_table(
        "instance_counter",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_generation", sa.BigInteger(), nullable=False, comment="numbers are never used twice"),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("last_recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_instance_counter")),
    )
    op.create_table(
        "key_ring",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source_table", KEY_TEXT, nullable=False),
        sa.Column("source_key", KEY_TEXT, nullable=False),
        sa.Column("customer_id", KEY_TEXT, nullable=False),
        sa.Column("generation_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation_to", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "instance_id", "source_table", "source_key", "customer_id", "generation_from", name=op.f("pk_key_ring")
        ),
    )
    op.create_index(
        op.f("ix_key_ring_customer_id_instance_id"), "key_ring", ["customer_id", "instance_id"], unique=False
    )
    op.create_table(
        "override",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", KEY_TEXT, nullable=False, comment="the id that the call named"),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=True),
        sa.Column("principal", sa.Text(), nullable=True),
        sa.Column("column_values", JSON_DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "customer_id", "sequence", name=op.f("pk_override")),
    )
    op.create_index(op.f("ix_override_sequence_instance_id"), "override", ["sequence", "instance_id"], unique=False)
    op.create_index(
        op.f("ix_override_valid_until_instance_id"), "override", ["valid_until", "instance_id"], unique=False
    )
    op.create_table(
        "override_release",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "customer_id", KEY_TEXT, nullable=False, comment="that of the change; of the survivor for a confirmation"
        ),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "released_sequence",
            sa.BigInteger(),
            nullable=False,
            comment="the change withdrawn, or the highest one judged",
        ),
        sa.Column("column_name", sa.Text(), nullable=True, comment="set on a confirmation"),
        sa.Column("generation", sa.BigInteger(), nullable=True, comment="set on a confirmation"),
        sa.Column("principal", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("instance_id", "customer_id", "sequence", name=op.f("pk_override_release")),
    )
    op.create_table(
        "realtime_activity",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("activity_id", KEY_TEXT, nullable=False),
        sa.Column("customer_id", KEY_TEXT, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("activity_time", sa.BigInteger(), nullable=False),
        sa.Column("activity_type", sa.Text(), nullable=True),
        sa.Column("source_table", sa.Text(), nullable=True),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=True),
        sa.Column("principal", sa.Text(), nullable=True),
        sa.Column("document", JSON_DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint(
            "instance_id", "activity_id", "customer_id", "sequence", name=op.f("pk_realtime_activity")
        ),
    )
    op.create_index(
        "ix_realtime_activity_time",
        "realtime_activity",
        ["activity_time", "activity_id", "customer_id", "instance_id"],
        unique=False,
    )
    op.create_index(
        "ix_realtime_activity_timeline",
        "realtime_activity",
        ["customer_id", "instance_id", "activity_time", "activity_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_realtime_activity_valid_until_instance_id"),
        "realtime_activity",
        ["valid_until", "instance_id"],
        unique=False,
    )
    op.create_table(
        "service_clock",
        sa.Column("clock_id", sa.SmallInteger(), autoincrement=False, nullable=False, comment="always 1"),
        sa.Column(
            "shift",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="microseconds ahead of the system clock",
        ),
        sa.Column("frozen_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("clock_id", name=op.f("pk_service_clock")),
    )
    op.create_table(
        "signing_key",
        sa.Column("purpose", KEY_TEXT, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("purpose", name=op.f("pk_signing_key")),
    )
    op.create_table(
        "snapshot_activity",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("activity_id", KEY_TEXT, nullable=False),
        sa.Column("customer_id", KEY_TEXT, nullable=False),
        sa.Column("generation_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation_to", sa.BigInteger(), nullable=False),
        sa.Column("activity_time", sa.BigInteger(), nullable=False),
        sa.Column("activity_type", sa.Text(), nullable=True),
        sa.Column("source_table", sa.Text(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("document", JSON_DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint(
            "instance_id", "activity_id", "customer_id", "generation_from", name=op.f("pk_snapshot_activity")
        ),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "ix_snapshot_activity_time",
        "snapshot_activity",
        ["activity_time", "activity_id", "customer_id", "instance_id"],
        unique=False,
    )
    op.create_index(
        "ix_snapshot_activity_timeline",
        "snapshot_activity",
        ["customer_id", "instance_id", "activity_time", "activity_id"],
        unique=False,
    )
    op.create_table(
        "snapshot_profile",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", KEY_TEXT, nullable=False),
        sa.Column("generation_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation_to", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("document", JSON_DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "customer_id", "generation_from", name=op.f("pk_snapshot_profile")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_table(
        "waiting_activity",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("activity_id", KEY_TEXT, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("customer_table", KEY_TEXT, nullable=False),
        sa.Column("customer_key", KEY_TEXT, nullable=False),
        sa.Column("activity_time", sa.BigInteger(), nullable=False),
        sa.Column("activity_type", sa.Text(), nullable=True),
        sa.Column("source_table", sa.Text(), nullable=True),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=True),
        sa.Column("principal", sa.Text(), nullable=True),
        sa.Column("document", JSON_DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "activity_id", "sequence", name=op.f("pk_waiting_activity")),
    )
    op.create_index(
        "ix_waiting_activity_customer",
        "waiting_activity",
        ["customer_key", "customer_table", "instance_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_waiting_activity_valid_until_instance_id"),
        "waiting_activity",
        ["valid_until", "instance_id"],
        unique=False,
    )
    op.execute("INSERT INTO service_clock (clock_id, shift) VALUES (1, 0)")


def downgrade() -> None:

    op.drop_index(op.f("ix_waiting_activity_valid_until_instance_id"), table_name="waiting_activity")
    op.drop_index("ix_waiting_activity_customer", table_name="waiting_activity")
    op.drop_table("waiting_activity")
    op.drop_table("snapshot_profile")
    op.drop_index("ix_snapshot_activity_timeline", table_name="snapshot_activity")
    op.drop_index("ix_snapshot_activity_time", table_name="snapshot_activity")
    op.drop_table("snapshot_activity")
    op.drop_table("signing_key")
    op.drop_table("service_clock")
    op.drop_index(op.f("ix_realtime_activity_valid_until_instance_id"), table_name="realtime_activity")
    op.drop_index("ix_realtime_activity_timeline", table_name="realtime_activity")
    op.drop_index("ix_realtime_activity_time", table_name="realtime_activity")
    op.drop_table("realtime_activity")
    op.drop_table("override_release")
    op.drop_index(op.f("ix_override_valid_until_instance_id"), table_name="override")
    op.drop_index(op.f("ix_override_sequence_instance_id"), table_name="override")
    op.drop_table("override")
    op.drop_index(op.f("ix_key_ring_customer_id_instance_id"), table_name="key_ring")
    op.drop_table("key_ring")
    op.drop_table("instance_counter")
    op.drop_table("instance")
    op.drop_table("generation")
    op.drop_index(op.f("ix_alias_customer_id_instance_id"), table_name="alias")
    op.drop_table("alias")
