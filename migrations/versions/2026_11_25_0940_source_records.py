"""The records of source tables, and when a generation's rows were refreshed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_25_0940"
down_revision = "2026_11_25_0900"
branch_labels = None
depends_on = None

KEY_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
JSON_DOCUMENT = sa.Text().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "source_record",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source_table", KEY_TEXT, nullable=False),
        sa.Column("source_key", KEY_TEXT, nullable=False),
        sa.Column("generation_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation_to", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("document", JSON_DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint(
            "instance_id", "source_table", "source_key", "generation_from", name=op.f("pk_source_record")
        ),
        postgresql_with={"fillfactor": 80},
    )
    op.add_column(
        "generation",
        sa.Column(
            "refreshed_at",
            sa.BigInteger(),
            nullable=True,
            comment="of the refresh that brought its rows; null: when it was activated",
        ),
    )


def downgrade() -> None:
    op.drop_column("generation", "refreshed_at")
    op.drop_table("source_record")
