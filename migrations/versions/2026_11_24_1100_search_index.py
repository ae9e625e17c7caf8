"""The search configuration of an instance, and the tokens of profiles and changes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_24_1100"
down_revision = "2026_11_24_1000"
branch_labels = None
depends_on = None

KEY_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
JSON_DOCUMENT = sa.Text().with_variant(postgresql.JSONB(), "postgresql")
TOKEN_LIST = sa.Text().with_variant(postgresql.ARRAY(sa.Text()), "postgresql")

SQLITE_SEARCH_OBJECTS = (
    """
CREATE VIRTUAL TABLE profile_search_text USING fts5(
    tokens, content='profile_search', content_rowid='text_row', tokenize='ascii', detail='none', columnsize=0
)""",
    """
CREATE TRIGGER profile_search_insert AFTER INSERT ON profile_search BEGIN
    UPDATE profile_search SET text_row = (SELECT coalesce(max(text_row), 0) + 1 FROM profile_search)
    WHERE rowid = new.rowid;
    INSERT INTO profile_search_text (rowid, tokens)
    SELECT text_row, tokens FROM profile_search WHERE rowid = new.rowid;
END""",
    """
CREATE TRIGGER profile_search_update AFTER UPDATE OF tokens ON profile_search BEGIN
    INSERT INTO profile_search_text (profile_search_text, rowid, tokens)
    VALUES ('delete', old.text_row, old.tokens);
    INSERT INTO profile_search_text (rowid, tokens) VALUES (new.text_row, new.tokens);
END""",
    """
CREATE TRIGGER profile_search_delete AFTER DELETE ON profile_search BEGIN
    INSERT INTO profile_search_text (profile_search_text, rowid, tokens)
    VALUES ('delete', old.text_row, old.tokens);
END""",
)


def upgrade() -> None:
    op.create_table(
        "search_configuration",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", JSON_DOCUMENT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column(
            "built_version", sa.BigInteger(), nullable=True, comment="what the indexes and tokens are complete for"
        ),
        sa.Column(
            "file_digest", sa.Text(), nullable=True, comment="of the environment file's section that was applied last"
        ),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_search_configuration")),
    )
    op.create_table(
        "profile_search",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", KEY_TEXT, nullable=False),
        sa.Column("generation_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tokens", TOKEN_LIST, nullable=False),
        sa.Column("text_row", sa.BigInteger(), nullable=True, comment="SQLite: the row of profile_search_text"),
        sa.PrimaryKeyConstraint("instance_id", "customer_id", "generation_from", name=op.f("pk_profile_search")),
    )
    op.add_column(
        "override",
        sa.Column(
            "tokens", TOKEN_LIST, nullable=True, comment="of every string; null only on rows older than the column"
        ),
    )
    if op.get_context().dialect.name == "postgresql":
        op.create_index("ix_profile_search_tokens", "profile_search", ["tokens"], postgresql_using="gin")
        op.create_index(
            "ix_override_tokens",
            "override",
            ["tokens"],
            postgresql_using="gin",
            postgresql_where=sa.text("tokens IS NOT NULL"),
        )
        return
    op.create_index("ix_profile_search_text_row", "profile_search", ["text_row"])
    for statement in SQLITE_SEARCH_OBJECTS:
        op.execute(statement)


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.drop_index("ix_override_tokens", table_name="override")
    else:
        op.execute("DROP TABLE profile_search_text")
    op.drop_table("profile_search")
    op.drop_column("override", "tokens")
    op.drop_table("search_configuration")
