"""Order and continuation of sorted rows: the first key that differs decides, null being lowest."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """An expression that rows are sorted by."""

    sql: str
    is_descending: bool
    is_nullable: bool = True


def order_by(keys: Sequence[Key]) -> str:
    return ", ".join(f"{key.sql} {_direction(key)}" for key in keys)


@dataclass(frozen=True, slots=True)
class Cut:
    """A page of ordered rows: :limit of them behind the first :skip.

    Where none are skipped the number stands in the text: a plan that does not know it takes it for a tenth of all rows.
    """

    limit: int
    skip: int = 0

    @property
    def of_all(self) -> str:
        return "LIMIT :limit OFFSET :skip" if self.skip else f"LIMIT {self.limit:d}"

    @property
    def of_part(self) -> str:
        """The same of one of several streams that are merged."""
        return "LIMIT :reach" if self.skip else f"LIMIT {self.limit:d}"

    @property
    def parameters(self) -> dict[str, int]:
        return {"limit": self.limit, "skip": self.skip, "reach": self.limit + self.skip} if self.skip else {}


def behind(keys: Sequence[Key], position: Sequence[str | None]) -> str:
    """The rows behind a position, a parameter for each key, or None for null; with one key an index can seek them."""
    placed = list(zip(keys, position, strict=True))
    condition = _further(*placed[-1]) if placed else "1 = 0"
    for key, value in reversed(placed[:-1]):
        condition = f"({_further(key, value)}) OR ({_equal(key, value)} AND ({condition}))"
    return condition


def ranges(keys: Sequence[Key], position: Sequence[str | None]) -> list[str]:
    """The same rows as disjoint ranges of the first key, each of which an index can seek to."""
    key, value = keys[0], position[0]
    if value is None:
        tied = f"{key.sql} IS NULL AND ({behind(keys[1:], position[1:])})"
        return [tied] if key.is_descending else [tied, f"{key.sql} IS NOT NULL"]
    seek = f"{key.sql} {'<=' if key.is_descending else '>='} {value}"
    if not key.is_nullable or not key.is_descending:
        return [f"{seek} AND ({behind(keys, position)})"]
    known = Key(key.sql, is_descending=True, is_nullable=False)
    return [f"{seek} AND ({behind((known, *keys[1:]), position)})", f"{key.sql} IS NULL"]


def _direction(key: Key) -> str:
    if not key.is_nullable:
        return "DESC" if key.is_descending else "ASC"
    return "DESC NULLS LAST" if key.is_descending else "ASC NULLS FIRST"


def _further(key: Key, value: str | None) -> str:
    if value is None:
        return "1 = 0" if key.is_descending else f"{key.sql} IS NOT NULL"
    if not key.is_descending:
        return f"{key.sql} > {value}"
    return f"{key.sql} < {value} OR {key.sql} IS NULL" if key.is_nullable else f"{key.sql} < {value}"


def _equal(key: Key, value: str | None) -> str:
    return f"{key.sql} IS NULL" if value is None else f"{key.sql} = {value}"
