"""What all tables share: how columns are kept on both databases, names of constraints, what rows are to an instance."""

import enum
from typing import Any, Final

from sqlalchemy import MetaData, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import TypeEngine

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
IDENTITY: Final[dict[Any, Any]] = {HOLDS: Holding.IDENTITY}
DATA: Final[dict[Any, Any]] = {HOLDS: Holding.DATA}
CONFIGURATION: Final[dict[Any, Any]] = {HOLDS: Holding.CONFIGURATION}
ACCESS: Final[dict[Any, Any]] = {HOLDS: Holding.ACCESS}
JOURNAL: Final[dict[Any, Any]] = {HOLDS: Holding.JOURNAL}


def key_text() -> TypeEngine[str]:
    """Text that sorts by code point on both databases."""
    return Text().with_variant(Text(collation="C"), "postgresql")


def json_document() -> TypeEngine[str]:
    """Read and written as JSON text."""
    return Text().with_variant(JSONB(), "postgresql")


def token_list() -> TypeEngine[str]:
    """On SQLite text with a blank before, between and behind tokens."""
    return Text().with_variant(ARRAY(Text), "postgresql")
