"""Who made and changed an instance, what is left of removed ones, and the definitions of an instance."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_25_0900"
down_revision = "2026_11_24_1100"
branch_labels = None
depends_on = None

KEY_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
JSON_DOCUMENT = sa.Text().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column(
        "instance",
        sa.Column("region", sa.Text(), nullable=True, comment="as it was given; nothing is kept elsewhere for it"),
    )
    op.add_column("instance", sa.Column("version", sa.BigInteger(), nullable=False, server_default=sa.text("1")))
    op.add_column("instance", sa.Column("created_by", sa.Text(), nullable=True))
    op.add_column("instance", sa.Column("updated_by", sa.Text(), nullable=True))
    op.create_table(
        "removed_instance",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("guid", KEY_TEXT, nullable=False),
        sa.Column(
            "last_generation", sa.BigInteger(), nullable=False, comment="the next instance of that GUID counts on"
        ),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("last_recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=False),
        sa.Column("swept_at", sa.BigInteger(), nullable=True, comment="null while rows of it may be left"),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_removed_instance")),
    )
    op.create_table(
        "definition",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", KEY_TEXT, nullable=False, comment="relationship or hierarchy"),
        sa.Column("name", KEY_TEXT, nullable=False),
        sa.Column("document", JSON_DOCUMENT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "kind", "name", name=op.f("pk_definition")),
    )


def downgrade() -> None:
    op.drop_table("definition")
    op.drop_table("removed_instance")
    for name in ("updated_by", "created_by", "version", "region"):
        op.drop_column("instance", name)
