"""Arithmetic that always ends with a number or null: nothing raises, and nothing grows.

Integers stay integers of 64 bits; with a decimal on either side the result is a decimal of at most 50 digits. What a
64-bit integer, or else a 64-bit float, could not hold is null, and so is a division by zero.
"""

import sys
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from typing import Final

from topcoat.core.canonical import INTEGER_MAX, INTEGER_MIN
from topcoat.core.odata.syntax import ArithmeticOperator

Number = int | Decimal

_CONTEXT: Final = Context(prec=50, Emin=-400, Emax=400, traps=[])
# Wide enough to write out both operands in full, because a remainder needs every digit of the quotient.
_REMAINDERS: Final = Context(prec=1000, Emin=-1000, Emax=1000, traps=[])
_DECIMAL_MAX: Final = Decimal(sys.float_info.max)


def negate(number: Number) -> Number | None:
    return _bounded(-number if isinstance(number, int) else _CONTEXT.minus(number))


def _add(left: Number, right: Number) -> Number:
    return left + right if isinstance(left, int) and isinstance(right, int) else _CONTEXT.add(left, right)


def _subtract(left: Number, right: Number) -> Number:
    return left - right if isinstance(left, int) and isinstance(right, int) else _CONTEXT.subtract(left, right)


def _multiply(left: Number, right: Number) -> Number:
    return left * right if isinstance(left, int) and isinstance(right, int) else _CONTEXT.multiply(left, right)


def _divide(left: Number, right: Number) -> Number:
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) == (right < 0) else -quotient
    return _CONTEXT.divide(left, right)


def _remain(left: Number, right: Number) -> Number:
    if isinstance(left, int) and isinstance(right, int):
        remainder = abs(left) % abs(right)
        return -remainder if left < 0 else remainder
    return _CONTEXT.plus(_REMAINDERS.remainder(left, right))


_OPERATIONS: Final[Mapping[ArithmeticOperator, Callable[[Number, Number], Number]]] = {
    ArithmeticOperator.ADD: _add,
    ArithmeticOperator.SUB: _subtract,
    ArithmeticOperator.MUL: _multiply,
    ArithmeticOperator.DIV: _divide,
    ArithmeticOperator.MOD: _remain,
}
_DIVISIONS: Final = (ArithmeticOperator.DIV, ArithmeticOperator.MOD)


def calculate(operator: ArithmeticOperator, left: Number, right: Number) -> Number | None:
    """`div` of integers truncates toward zero; the result of `mod` has the sign of the dividend."""
    if operator in _DIVISIONS and right == 0:
        return None
    return _bounded(_OPERATIONS[operator](left, right))


def _bounded(number: Number) -> Number | None:
    if isinstance(number, int):
        return number if INTEGER_MIN <= number <= INTEGER_MAX else None
    return number if number.is_finite() and number.copy_abs() <= _DECIMAL_MAX else None
