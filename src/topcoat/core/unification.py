"""How raw customer tables become one profile a person: the rules of deduplication, matching and the unified view."""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final, NamedTuple

from topcoat.core.catalog import ColumnType

EXACT: Final = 1.0

_PRECISIONS: Final = {"exact": EXACT, "high": 0.8, "medium": 0.6, "low": 0.3}
_PERCENTAGE: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%")
PRECISION_EXPECTED: Final = f"{', '.join(_PRECISIONS)}, or a percentage above 0 % and up to 100 % such as 75 %"


class Normalization(enum.Enum):
    """What of a text is levelled before it is compared; the vendor's names."""

    WHITESPACE = "whitespace"
    CASE = "case"
    SYMBOLS = "symbols"
    NUMERALS = "numerals"
    UNICODE = "unicode"
    PHONE = "phone"
    NAME = "name"
    ADDRESS = "address"
    ORGANIZATION = "organization"


class WinnerPolicy(enum.Enum):
    MOST_FILLED = "most_filled"
    MOST_RECENT = "most_recent"
    LEAST_RECENT = "least_recent"


class ColumnPolicyKind(enum.Enum):
    IMPORTANCE = "importance"
    MOST_RECENT = "most_recent"
    LEAST_RECENT = "least_recent"


@dataclass(frozen=True, slots=True)
class Condition:
    """It holds for two records that both have a value, where these are alike to the precision; with `differs`, where
    they are not.

    `region` is the country of phone numbers that come without a country code: `US`.
    """

    column: str
    other_column: str
    normalizations: tuple[Normalization, ...] = ()
    precision: float = EXACT
    region: str | None = None
    differs: bool = False

    @property
    def is_exact(self) -> bool:
        return self.precision == EXACT and not self.differs


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """It matches two records where every condition holds and no exception does."""

    name: str
    conditions: tuple[Condition, ...]
    exceptions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRule(Rule):
    """`column` of a condition is one of `table`, `other_column` one of `other_table`, which stands before it."""

    table: str
    other_table: str


@dataclass(frozen=True, slots=True)
class Winner:
    """Which of the records that are one stands for them; `column` is what recency goes by."""

    policy: WinnerPolicy = WinnerPolicy.MOST_FILLED
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Deduplication:
    table: str
    rules: tuple[Rule, ...]
    winner: Winner = Winner()


@dataclass(frozen=True, slots=True)
class ColumnPolicy:
    """Whose value a profile gets; `by` names, for each table, the column that recency goes by."""

    kind: ColumnPolicyKind = ColumnPolicyKind.IMPORTANCE
    by: Mapping[str, str] = field(default_factory=dict)


class SourceColumn(NamedTuple):
    table: str
    column: str


@dataclass(frozen=True, slots=True)
class UnifiedColumn:
    """A column of the profile, made of `sources` in the order of importance, or of the unified columns of `join`."""

    name: str
    type: ColumnType
    sources: tuple[SourceColumn, ...] = ()
    policy: ColumnPolicy = ColumnPolicy()
    join: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnGroup:
    """Unified columns that a profile takes together from one record."""

    columns: tuple[str, ...]
    policy: ColumnPolicy = ColumnPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unification:
    """`tables` are in the order of matching and of importance; of those in `only_matched`, a record that matches
    nobody makes no profile.

    `threshold` is the probability from which the probabilistic model links two records; without it, rules alone do.
    """

    tables: tuple[str, ...]
    columns: tuple[UnifiedColumn, ...]
    only_matched: frozenset[str] = frozenset()
    deduplications: tuple[Deduplication, ...] = ()
    matching: tuple[MatchRule, ...] = ()
    always_match: PurePath | None = None
    never_match: PurePath | None = None
    threshold: float | None = None
    groups: tuple[ColumnGroup, ...] = ()


def read_precision(written: Any) -> float:
    """The share of likeness, above 0 and up to 1, that a word or a percentage stands for; else `ValueError`."""
    if isinstance(written, str) and written in _PRECISIONS:
        return _PRECISIONS[written]
    match = _PERCENTAGE.fullmatch(written) if isinstance(written, str) else None
    share = float(match[1]) / 100 if match else 0.0
    if not 0 < share <= EXACT:
        raise ValueError(PRECISION_EXPECTED)
    return share
