"""What is added to unified profiles: standardised copies of columns, and what tables of reference have about them."""

import enum
from dataclasses import dataclass
from typing import Final

from topcoat.core.catalog import ColumnType
from topcoat.core.unification import Normalization

STANDARDIZED_ENDING: Final = "_Standardized"


class StandardKind(enum.Enum):
    PHONE = "phone"
    EMAIL = "email"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Standard:
    """`region` is the country of phone numbers that come without a country code: `US`."""

    column: str
    kind: StandardKind
    region: str | None = None

    @property
    def name(self) -> str:
        """Of the standardised copy."""
        return f"{self.column}{STANDARDIZED_ENDING}"


@dataclass(frozen=True, slots=True)
class AddedColumn:
    """A column that profiles get, of the type of the reference's column."""

    name: str
    source: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class Reference:
    """`match` pairs columns of the profile with columns of the table that have to be alike."""

    table: str
    match: tuple[tuple[str, str], ...]
    columns: tuple[AddedColumn, ...]
    normalizations: tuple[Normalization, ...] = ()
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Enrichment:
    """In the order in which it is done: what is standardised may be matched."""

    standards: tuple[Standard, ...] = ()
    references: tuple[Reference, ...] = ()
