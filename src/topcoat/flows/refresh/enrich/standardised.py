"""Standardised copies of columns: phone numbers, addresses for mail, and postal addresses in one form each, or null."""

from collections.abc import Callable
from typing import Any, Final, assert_never

import ibis
import phonenumbers
import pyarrow
from ibis.expr import types as ir

from topcoat.core.enrichment import Standard, StandardKind
from topcoat.core.unification import Normalization
from topcoat.flows.refresh.unify import normalising

# Narrower than RFC 5322, which has comments and quoted names: what mail servers hand out.
_EMAIL: Final = (
    r"^[^\s@\"(),:;<>\[\]\\]+@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+[\p{L}\p{N}-]*\p{L}[\p{L}\p{N}-]*$"
)
_EMAIL_LENGTH_MAX: Final = 254


def standardise(profiles: ir.Table, standard: Standard) -> ir.Table:
    """Add the copy; each value is looked at once, however many profiles have it."""
    values = profiles.select(standard.column).distinct()
    values = values.mutate(**{standard.name: _standardised(values[standard.column], standard)})
    joined = profiles.left_join(values, standard.column)
    return joined.select(*profiles.columns, standard.name)


def _standardised(value: ir.StringValue, standard: Standard) -> ir.StringValue:
    match standard.kind:
        case StandardKind.PHONE:
            return _international(value, standard.region or "").nullif("")
        case StandardKind.EMAIL:
            return _mail_address(value.strip().lower())
        case StandardKind.ADDRESS:
            return normalising.normalise(value, [Normalization.ADDRESS])
        case _:
            assert_never(standard.kind)


def _mail_address(text: ir.StringValue) -> ir.StringValue:
    is_one = text.re_search(_EMAIL) & (text.length() <= _EMAIL_LENGTH_MAX)
    return ibis.ifelse(is_one & ~text.contains(".."), text, None)


def international_number(text: str, region: str) -> str:
    """As E.164 has it, `+12065550100`; empty for what is no valid number, of the region where it names no country."""
    try:
        number: Any = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _each(texts: Any, regions: Any) -> Any:
    pairs = zip(texts.to_pylist(), regions.to_pylist(), strict=True)
    return pyarrow.array([international_number(*pair) for pair in pairs], pyarrow.string())


_international: Final[Callable[..., Any]] = ibis.udf.scalar.pyarrow(
    _each, name="international_numbers", signature=(("string", "string"), "string")
)
