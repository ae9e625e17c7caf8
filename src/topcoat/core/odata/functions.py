"""What each function of `$filter` gives for arguments that are not null."""

from collections.abc import Callable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Final

from topcoat.core.odata.arithmetic import Number
from topcoat.core.odata.syntax import Function
from topcoat.core.odata.value_types import Value

TEXT_LENGTH_MAX: Final = 1_000_000


def _concat(left: str, right: str) -> str | None:
    """Null beyond a length that no column has, because a filter can join one column to itself very often."""
    return left + right if len(left) + len(right) <= TEXT_LENGTH_MAX else None


def _substring(text: str, start: Number, length: Number | None = None) -> str:
    """What lies outside the text is left out, rather than an error."""
    first = max(int(start), 0)
    return text[first:] if length is None else text[first : first + max(int(length), 0)]


FUNCTIONS: Final[Mapping[Function, Callable[..., Value]]] = {
    Function.CONTAINS: lambda text, part: part in text,
    Function.STARTSWITH: str.startswith,
    Function.ENDSWITH: str.endswith,
    Function.TOLOWER: str.lower,
    Function.TOUPPER: str.upper,
    Function.TRIM: str.strip,
    Function.LENGTH: len,
    Function.CONCAT: _concat,
    Function.INDEXOF: str.find,
    Function.SUBSTRING: _substring,
    Function.YEAR: attrgetter("year"),
    Function.MONTH: attrgetter("month"),
    Function.DAY: attrgetter("day"),
    Function.HOUR: attrgetter("hour"),
    Function.MINUTE: attrgetter("minute"),
    Function.SECOND: attrgetter("second"),
    Function.DATE: datetime.date,
}
"""All but `now`, which needs no argument but the instant of the read."""
