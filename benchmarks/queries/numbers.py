"""SQL that makes values of numbers: they look random, and are the same in every run."""

from collections.abc import Sequence


def mixed(number: str, salt: int) -> str:
    """From 0 to 2^31 - 1."""
    return f"(hashint8extended({number}, {salt}) & 2147483647)"


def picked(texts: Sequence[str], number: str, salt: int) -> str:
    array = ", ".join(f"'{text}'" for text in texts)
    return f"(ARRAY[{array}])[1 + {mixed(number, salt)} % {len(texts)}]"


def digits(count: int, number: str, salt: int) -> str:
    return f"lpad(({mixed(number, salt)} % {10**count})::text, {count}, '0')"


def decimal(below: int, places: int, number: str, salt: int) -> str:
    scale = 10**places
    return f"round(({mixed(number, salt)} % {below * scale})::numeric / {scale}, {places})"


def day(first: str, days: int, number: str, salt: int) -> str:
    return f"to_char(date '{first}' + ({mixed(number, salt)} % {days})::int, 'YYYY-MM-DD')"


def instant_text(seconds: str) -> str:
    """Canonical text of an instant given in seconds since 1970."""
    return f"to_char(to_timestamp({seconds}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
