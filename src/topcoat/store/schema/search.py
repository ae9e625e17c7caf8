"""The search and filter index: its configuration, and the tokens of profiles."""

from sqlalchemy import DDL, BigInteger, Column, Index, Integer, Table, Text, event
from sqlalchemy.schema import ExecutableDDLElement

from topcoat.store.schema.columns import CONFIGURATION, DATA, json_document, key_text, metadata, token_list

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
    info=CONFIGURATION,
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
    info=DATA,
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
