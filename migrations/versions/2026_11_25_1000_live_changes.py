"""An index by which the live changes of a profile are found without a look at its lapsed ones."""

from alembic import op

revision = "2026_11_25_1000"
down_revision = "2026_11_25_0955"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        op.f("ix_override_customer_id_instance_id_valid_until"),
        "override",
        ["customer_id", "instance_id", "valid_until"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_override_customer_id_instance_id_valid_until"), table_name="override")
