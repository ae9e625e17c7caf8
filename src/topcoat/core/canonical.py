"""JSON values in canonical form, kind by kind; what has none is a `ValueError`."""

import math
import re
from datetime import date
from typing import Any

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1

# Narrower than `fromisoformat`, which takes week dates as well, and takes more with every Python version.
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def checked_string(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    if not value.isascii():
        value.encode()  # an unpaired surrogate is a UnicodeEncodeError, which is a ValueError
    return value


def checked_date(text: str) -> str:
    if not _DATE.fullmatch(text):
        raise ValueError
    return date.fromisoformat(text).isoformat()


def checked_digits(text: str) -> str:
    """Python reads `1_000` and other scripts' digits as numbers; a source does not mean them so."""
    if not text.isascii() or "_" in text:
        raise ValueError
    return text


def checked_integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not INTEGER_MIN <= value <= INTEGER_MAX:
        raise ValueError
    return value


def checked_decimal(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    try:
        number = float(value)
    except OverflowError:
        raise ValueError from None
    if not math.isfinite(number):
        raise ValueError
    return number
