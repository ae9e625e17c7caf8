"""Subscription keys by their digests, with what opens and closes an instance; role assignments."""

import hashlib
import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_25_0955"
down_revision = "2026_11_25_0950"
branch_labels = None
depends_on = None

KEY_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
JSON_DOCUMENT = sa.Text().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "api_access",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_enabled", sa.SmallInteger(), nullable=False, comment="0: keys open nothing"),
        sa.Column("primary_digest", sa.LargeBinary(), nullable=True, comment="of the key, by SHA-256"),
        sa.Column("primary_changed_at", sa.BigInteger(), nullable=True),
        sa.Column("secondary_digest", sa.LargeBinary(), nullable=True, comment="of the key, by SHA-256"),
        sa.Column("secondary_changed_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "file_digest",
            sa.LargeBinary(),
            nullable=True,
            comment="of the environment file's keys that were applied last",
        ),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_api_access")),
    )
    op.create_table(
        "role_assignment",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("principal_id", KEY_TEXT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="user, group or app"),
        sa.Column("roles", JSON_DOCUMENT, nullable=False, comment="empty: not even those it has by default"),
        sa.PrimaryKeyConstraint("instance_id", "principal_id", name=op.f("pk_role_assignment")),
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute(_KEEP_ON_POSTGRESQL)
    elif not op.get_context().as_sql:  # printed, nothing is kept: the next refresh applies the file's keys again
        _keep_on_sqlite(op.get_bind())
    op.drop_column("instance", "subscription_keys")


_KEEP_ON_POSTGRESQL = """
INSERT INTO api_access (instance_id, is_enabled, primary_digest, primary_changed_at, secondary_digest,
                        secondary_changed_at, file_digest)
SELECT instance_id, 1, first, updated_at, second, CASE WHEN second IS NULL THEN NULL ELSE updated_at END,
       sha256(first || coalesce(second, ''))
FROM (
    SELECT instance_id, updated_at, sha256(convert_to(subscription_keys->>0, 'UTF8')) AS first,
           sha256(convert_to(subscription_keys->>1, 'UTF8')) AS second
    FROM instance WHERE subscription_keys IS NOT NULL
) AS hashed
"""


def _keep_on_sqlite(connection: sa.Connection) -> None:
    """SQLite has no digests of its own."""
    found = connection.execute(
        sa.text(
            "SELECT instance_id, updated_at, CAST(subscription_keys AS TEXT) AS keys FROM instance"
            " WHERE subscription_keys IS NOT NULL"
        )
    ).all()
    for instance_id, updated_at, keys in found:
        digests = [hashlib.sha256(key.encode()).digest() for key in json.loads(keys)]
        primary, secondary = (*digests, None, None)[:2]
        values = {
            "instance_id": instance_id,
            "primary": primary,
            "secondary": secondary,
            "primary_changed_at": updated_at,
            "secondary_changed_at": updated_at if secondary else None,
            "file": hashlib.sha256(b"".join(digests)).digest(),
        }
        connection.execute(_KEEP_ON_SQLITE, values)


_KEEP_ON_SQLITE = sa.text("""
INSERT INTO api_access (instance_id, is_enabled, primary_digest, primary_changed_at, secondary_digest,
                        secondary_changed_at, file_digest)
VALUES (:instance_id, 1, :primary, :primary_changed_at, :secondary, :secondary_changed_at, :file)
""")


def downgrade() -> None:
    """The keys are gone: nobody can tell them from their digests. Their column stands where it stood."""
    op.add_column(
        "instance",
        sa.Column("subscription_keys", JSON_DOCUMENT, nullable=True, comment="null: the well-known keys hold"),
    )
    for column in (
        sa.Column("region", sa.Text(), nullable=True, comment="as it was given; nothing is kept elsewhere for it"),
        sa.Column("version", sa.BigInteger(), nullable=False, server_default=sa.text("1")),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.Column("updated_by", sa.Text(), nullable=True),
    ):
        op.execute(f"ALTER TABLE instance RENAME COLUMN {column.name} TO moved")
        op.add_column("instance", column)
        op.execute(f"UPDATE instance SET {column.name} = moved")
        op.drop_column("instance", "moved")
    op.drop_table("role_assignment")
    op.drop_table("api_access")
