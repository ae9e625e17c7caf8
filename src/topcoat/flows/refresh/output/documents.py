"""Typed values as the stored documents have them, set-wise: JSON without nulls, spelled as the core spells it."""

import functools
import json
from collections.abc import Iterable, Mapping
from typing import Final, assert_never

import ibis
from ibis.expr import types as ir

from topcoat.core.catalog import Column, ColumnType
from topcoat.flows.refresh.output import functions

Values = Mapping[Column, ir.Value]
"""The values of a table's columns, by whatever names the rows have them."""

_INSTANT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


def document_of(values: Values) -> ir.StringValue:
    """The document of a record."""
    return json_object({column.name: json_of(value, column.type) for column, value in values.items()})


def json_object(members: Mapping[str, ir.StringValue]) -> ir.StringValue:
    """Of values that are JSON already; those that are null are left out, the others sorted by name."""
    spelled = [_named(name) + members[name] for name in sorted(members)]
    return ibis.literal("{") + ibis.literal(",").join(spelled) + ibis.literal("}")


def json_of(value: ir.Value, type_: ColumnType) -> ir.StringValue:
    match type_:
        case ColumnType.STRING:
            return functions.to_json(value)
        case ColumnType.INTEGER | ColumnType.DECIMAL | ColumnType.BOOLEAN:
            return text_of(value, type_)
        case ColumnType.DATE | ColumnType.DATE_TIME:
            return ibis.literal('"') + text_of(value, type_) + ibis.literal('"')
        case _:
            assert_never(type_)


def text_of(value: ir.Value, type_: ColumnType) -> ir.StringValue:
    """What a text column has of a value; a double as Python writes it, which DuckDB does too."""
    match type_:
        case ColumnType.STRING:
            return value
        case ColumnType.INTEGER | ColumnType.DECIMAL | ColumnType.BOOLEAN | ColumnType.DATE:
            return value.cast("string")
        case ColumnType.DATE_TIME:
            return instant_text(value)
        case _:
            assert_never(type_)


def instant_text(instant: ir.Value) -> ir.StringValue:
    """As `catalog.format_instant`: no fraction, or six digits."""
    return instant.strftime(_INSTANT).replace(".000000Z", "Z")


def with_small_digits(text: ir.StringValue) -> ir.StringValue:
    """JSON whose control characters are escaped as Python does it, where the text is kept as a text."""
    held = text.replace(_ESCAPED_BACKSLASH, _HELD)
    small = functools.reduce(lambda json_, big: json_.replace(rf"\u{big}", rf"\u{big.lower()}"), _BIG_DIGITS, held)
    return ibis.cases((text.contains(r"\u00"), small.replace(_HELD, _ESCAPED_BACKSLASH)), else_=text)


def digest_of(values: Iterable[ir.Value], *constants: str) -> ir.UUIDValue:
    """Sixteen bytes that are others when a value is, or one of the constants that all rows share.

    As a number they join far quicker than as a text.
    """
    numbered = [_literal(f"{place}=") + value.cast("string") for place, value in enumerate(values)]
    return functions.character(0).join([*map(_literal, constants), *numbered]).hexdigest("md5").cast("uuid")


def _literal(text: str) -> ir.StringScalar:
    return ibis.literal(text, type="string")


def _named(name: str) -> ir.StringScalar:
    return _literal(json.dumps(name, ensure_ascii=False) + ":")


_ESCAPED_BACKSLASH: Final = r"\\"
_HELD: Final = "\x01"  # stands in no JSON text
_BIG_DIGITS: Final = [f"{number:04X}" for number in range(0x20) if f"{number:X}" != f"{number:x}"]
