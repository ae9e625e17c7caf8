"""Trees as `$filter` text, with no parenthesis that the grammar does not need: parsing it gives the tree again."""

import decimal
from typing import Final, assert_never

from topcoat.core.canonical import INTEGER_MAX, INTEGER_MIN
from topcoat.core.catalog import format_instant
from topcoat.core.odata import syntax
from topcoat.core.odata.expressions import AND, EQUALITY, MEMBERSHIP, OR, PREFIX, SEGMENT_FUNCTION, STRENGTHS
from topcoat.core.odata.syntax import Expression, Literal

_OPERAND: Final = MEMBERSHIP + 1


def print_expression(tree: Expression) -> str:
    return _print(tree, OR)


def print_literal(literal: Literal) -> str:  # noqa: PLR0911 - one for each kind
    match literal:
        case syntax.Null():
            return "null"
        case syntax.String(value):
            return _quoted(value)
        case syntax.Integer(value):
            return str(value)
        case syntax.Decimal(value):
            return _print_decimal(value)
        case syntax.Boolean(value):
            return str(value).lower()
        case syntax.DateTime(value):
            return format_instant(value)
        case syntax.Date(value):
            return value.isoformat()
        case syntax.Guid(value):
            return str(value)
        case _:
            assert_never(literal)


def _print(tree: Expression, weakest: int) -> str:
    """The tree where an expression binding at least as strongly as `weakest` may stand."""
    text, strength = _printed(tree)
    return text if strength >= weakest else f"({text})"


def _printed(tree: Expression) -> tuple[str, int]:  # noqa: PLR0911 - one for each kind
    """The text, and how strongly it binds."""
    match tree:
        case syntax.Column(name):
            return name, _OPERAND
        case syntax.Or(terms):
            return " or ".join(_print(term, AND) for term in terms), OR
        case syntax.And(terms):
            return " and ".join(_print(term, EQUALITY) for term in terms), AND
        case syntax.Comparison(left, operator, right) | syntax.Arithmetic(left, operator, right):
            strength = STRENGTHS[operator]
            return f"{_print(left, strength)} {operator.value} {_print(right, strength + 1)}", strength
        case syntax.In(left, items):
            return f"{_print(left, MEMBERSHIP)} in ({', '.join(map(print_literal, items))})", MEMBERSHIP
        case syntax.Not(operand):
            return f"not {_print(operand, PREFIX)}", PREFIX
        case syntax.Negate(operand):
            return _print_negation(operand), PREFIX
        case syntax.Call(function, arguments):
            return f"{function.value}({', '.join(_print(argument, OR) for argument in arguments)})", _OPERAND
        case syntax.Like(operand, pattern):
            return f"like({_print(operand, OR)}, {_quoted(pattern)})", _OPERAND
        case syntax.IsMemberOfSegment(name):
            return f"{SEGMENT_FUNCTION}({_quoted(name)})", _OPERAND
        case _:
            return print_literal(tree), _OPERAND


def _print_negation(operand: Expression) -> str:
    text = _print(operand, PREFIX)
    # A minus before a digit would be the digit's own sign.
    return f"-({text})" if text[0].isdigit() else f"-{text}"


def _print_decimal(value: decimal.Decimal) -> str:
    text = str(value)
    if "." in text or "E" in text or not INTEGER_MIN <= value <= INTEGER_MAX:
        return text
    return text + ".0"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
