"""Raw values become values of a column's type, or null where they cannot; the meaning is that of `core/catalog.py`."""

import enum
from typing import Any, Final, assert_never

import ibis
from ibis.expr import types as ir

from topcoat.core.catalog import ColumnType
from topcoat.flows.refresh.pull import backend_functions as functions


class Notation(enum.Enum):
    """How a raw column writes its values: as a field of CSV, as JSON text, or typed by the source itself."""

    TEXT = "text"
    JSON = "json"
    NATIVE = "native"


# What Python takes around a number, in ASCII.
_BLANKS: Final = r"[ \t\n\r\x0b\x0c]*"
_INTEGER: Final = f"^{_BLANKS}([+-]?[0-9]+){_BLANKS}$"
_DECIMAL: Final = f"^{_BLANKS}([+-]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]+)?){_BLANKS}$"
_OFFSET: Final = "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_INSTANT: Final = (
    f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt ](?:[01][0-9]|2[0-3]):[0-9]{{2}}(?::[0-9]{{2}}(?:[.][0-9]+)?)?{_OFFSET}?"
)
_FIRST_INSTANT: Final = "0001-01-01T00:00:00"
_LAST_INSTANT: Final = "9999-12-31T23:59:59.999999"
_TRANSITION_HOURS_MAX: Final = 3  # no clock was ever set by more at once, but where a day was left out


def is_present(raw: ir.Value, notation: Notation, type_: ColumnType) -> ir.BooleanValue:
    """Whether there is a value at all. An empty field of CSV is null; other sources can tell an empty string."""
    match notation:
        case Notation.JSON:
            return raw.notnull() & (raw != "null")
        case Notation.NATIVE if type_ is ColumnType.STRING or not raw.type().is_string():
            return raw.notnull()
        case Notation.TEXT | Notation.NATIVE:
            return raw.notnull() & (raw != "")
        case _:
            assert_never(notation)


def find_typed(raw: ir.Value, notation: Notation, type_: ColumnType, zone: str) -> ir.Value | None:
    """None where no value of the source's own type ever is one of the column's.

    Date-times without an offset are in `zone`, and all become naive UTC.
    """
    match notation:
        case Notation.TEXT:
            return from_text(raw, type_, zone)
        case Notation.JSON:
            return _from_json(raw, type_, zone)
        case Notation.NATIVE:
            return _from_native(raw, type_, zone)
        case _:
            assert_never(notation)


def from_text(text: ir.StringValue, type_: ColumnType, zone: str) -> ir.Value:
    """As `catalog.parse_text` reads it, once it is not empty."""
    match type_:
        case ColumnType.STRING:
            return _if(~text.contains(functions.code_point(0)), text)
        case ColumnType.INTEGER:
            return functions.regexp_extract(text, _INTEGER, 1).try_cast("int64")
        case ColumnType.DECIMAL:
            return _finite(functions.regexp_extract(text, _DECIMAL, 1).try_cast("float64"))
        case ColumnType.BOOLEAN:
            word = text.lower()
            return ibis.cases((word.isin(["true", "1"]), True), (word.isin(["false", "0"]), False), else_=None)
        case ColumnType.DATE:
            date = text.try_cast("date")
            return _if(date.cast("string") == text, date)
        case ColumnType.DATE_TIME:
            return _instant(text, zone)
        case _:
            assert_never(type_)


def described(raw: ir.Value, notation: Notation) -> ir.StringValue:
    """As `catalog.described` says it."""
    text = shown(raw.cast("string"))
    if notation is Notation.JSON:
        return ibis.cases(
            (raw.startswith('"'), _quoted(shown(_unquoted(raw)))),
            (raw.startswith("["), "an array"),
            (raw.startswith("{"), "an object"),
            (raw.isin(["true", "false"]), ibis.literal("the boolean ").concat(text)),
            else_=ibis.literal("the number ").concat(text),
        )
    if raw.type().is_string():
        return _quoted(text)
    return ibis.literal("the number " if raw.type().is_numeric() else "the value ").concat(text)


def _from_json(raw: ir.StringValue, type_: ColumnType, zone: str) -> ir.Value:
    """As `catalog.validate_value` takes it."""
    match type_:
        case ColumnType.INTEGER:
            return functions.regexp_extract(raw, "^-?[0-9]+$", 0).try_cast("int64")
        case ColumnType.DECIMAL:
            return _finite(functions.regexp_extract(raw, "^-?[0-9].*$", 0).try_cast("float64"))
        case ColumnType.BOOLEAN:
            return ibis.cases((raw == "true", True), (raw == "false", False), else_=None)
        case ColumnType.STRING | ColumnType.DATE | ColumnType.DATE_TIME:
            return from_text(_if(raw.startswith('"'), _unquoted(raw)), type_, zone)
        case _:
            assert_never(type_)


def _unquoted(string: ir.StringValue) -> ir.StringValue:
    """Most strings hold nothing that would have to be read as JSON."""
    has_escapes = string.contains("\\")
    return ibis.ifelse(has_escapes, functions.json_extract_string(string, "$"), string.substr(1, string.length() - 2))


def _from_native(raw: ir.Value, type_: ColumnType, zone: str) -> ir.Value | None:
    """A value is taken where the column's type says all that it said."""
    native = raw.type()
    if native.is_string():
        return from_text(raw, type_, zone)
    value = None
    match type_:
        case ColumnType.STRING if native.is_integer() or native.is_uuid():
            value = raw.cast("string")
        case ColumnType.INTEGER if native.is_numeric():
            integer = raw.try_cast("int64")
            value = _if(integer.cast(native) == raw, integer)
        case ColumnType.DECIMAL if native.is_numeric():
            value = _finite(raw.try_cast("float64"))
        case ColumnType.BOOLEAN if native.is_boolean():
            value = raw
        case ColumnType.DATE if native.is_date():
            value = _if(raw.between(ibis.date(_FIRST_INSTANT[:10]), ibis.date(_LAST_INSTANT[:10])), raw)
        case ColumnType.DATE if native.is_timestamp():
            instant = _bounded(raw.cast("timestamp(6)"))
            value = _if(instant == instant.truncate("D"), instant.cast("date"))
        case ColumnType.DATE_TIME if native.is_timestamp():
            wall = raw.cast("timestamp(6)")
            value = _bounded(wall if native.timezone is not None or zone == "UTC" else _localised(wall, zone))
    return value


def _instant(text: ir.StringValue, zone: str) -> ir.TimestampValue:
    upper = _if(functions.regexp_full_match(text, _INSTANT), text.upper())
    instant = upper.try_cast("timestamp('UTC', 6)").cast("timestamp(6)")
    if zone != "UTC":
        has_offset = functions.regexp_matches(text, f"{_OFFSET}$")
        instant = ibis.ifelse(has_offset, instant, _localised(upper.try_cast("timestamp(6)"), zone))
    return _bounded(instant)


def _localised(wall: ir.TimestampValue, zone: str) -> ir.TimestampValue:
    """What a clock of the zone shows, as an instant; of two instants that it shows alike, the first.

    The backend takes the second, so it is asked about a time well before the clock was set back.
    """
    away = ibis.interval(hours=_TRANSITION_HOURS_MAX)
    first = functions.utc_of(wall - away, zone) + away
    return ibis.ifelse(functions.wall_of(first, zone) == wall, first, functions.utc_of(wall, zone))


def _bounded(instant: ir.TimestampValue) -> ir.TimestampValue:
    return _if(instant.between(ibis.timestamp(_FIRST_INSTANT), ibis.timestamp(_LAST_INSTANT)), instant)


def _finite(number: ir.FloatingValue) -> ir.FloatingValue:
    return _if(~(number.isnan() | number.isinf()), number)


def _if(condition: Any, value: Any) -> Any:
    return ibis.ifelse(condition, value, None)


def shown(text: ir.StringValue) -> ir.StringValue:
    """As `catalog.shown` makes it safe and short."""
    printable = functions.regexp_replace(text, r"[^\PC]|[\p{Zl}\p{Zp}]", "�", "g")
    return ibis.ifelse(printable.length() > 60, printable.left(60).concat("…"), printable)


def _quoted(text: ir.StringValue) -> ir.StringValue:
    return ibis.literal("the string '").concat(text, "'")
