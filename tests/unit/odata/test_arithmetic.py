"""Arithmetic is exact within its bounds, and null beyond them."""

import decimal
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.odata import strategies
from tests.unit.odata.asking import value_of
from topcoat.core import canonical
from topcoat.core.odata import arithmetic
from topcoat.core.odata.syntax import ArithmeticOperator

D = decimal.Decimal
ARITHMETIC = [
    ("1 add 2", 3),
    ("1 sub 2", -1),
    ("3 mul -2", -6),
    ("7 div 2", 3),
    ("-7 div 2", -3),
    ("7 div -2", -3),
    ("-7 div -2", 3),
    ("7 mod 3", 1),
    ("-7 mod 3", -1),
    ("7 mod -3", 1),
    ("-Whole", -7),
    ("Number add 0.2", D("0.3")),
    ("Number mul 3", D("0.3")),
    ("7 div 2.0", D("3.5")),
    ("1.0 div 3", D("0." + "3" * 50)),
    ("-7.5 mod 2", D("-1.5")),
    ("1e300 mod 7", D(10**300 % 7)),
    ("5e-324 mod 1e-323", D("5e-324")),
    ("-Number", D("-0.1")),
    ("0.1 sub 1", D("-0.9")),
    ("1 div 0", None),
    ("1 mod 0", None),
    ("1.5 div 0", None),
    ("1.5 mod 0.0", None),
    ("0.0 div 0.0", None),
    ("9223372036854775807 add 1", None),
    ("9223372036854775807 add 1.0", D(2**63)),
    ("-9223372036854775808 sub 1", None),
    ("-9223372036854775808 div -1", None),
    ("-(-9223372036854775808)", None),
    ("3037000500 mul 3037000500", None),
    ("1e308 mul 10", None),
    ("-1e308 mul 10", None),
    ("1e308 add 1e308", None),
    ("1e308 div 1e-308", None),
    ("1e-308 mul 1e-308", D(0)),
]


@pytest.mark.parametrize(("text", "expected"), ARITHMETIC)
def test_arithmetic_is_exact_within_bounds_and_null_beyond(text, expected):
    found = value_of(text)

    assert (type(found), found) == (type(expected), expected)


@given(strategies.whole_numbers, strategies.whole_numbers.filter(bool))
def test_quotient_and_remainder_make_the_dividend_again(dividend, divisor):
    quotient = arithmetic.calculate(ArithmeticOperator.DIV, dividend, divisor)
    remainder = arithmetic.calculate(ArithmeticOperator.MOD, dividend, divisor)

    if quotient is None:
        assert (dividend, divisor) == (canonical.INTEGER_MIN, -1)
    else:
        assert quotient * divisor + remainder == dividend
        assert abs(remainder) < abs(divisor)
        assert remainder * dividend >= 0


@given(st.sampled_from(ArithmeticOperator), strategies.decimals, strategies.decimals | strategies.whole_numbers)
def test_arithmetic_of_decimals_is_a_number_that_a_float_can_hold_or_null(operator, left, right):
    found = arithmetic.calculate(operator, left, right)

    assert found is None or (len(found.as_tuple().digits) <= 50 and math.isfinite(float(found)))
