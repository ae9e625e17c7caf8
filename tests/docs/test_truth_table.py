"""docs/odata.md says what the core does."""

import re

import pytest

from tests.docs import truth_table
from topcoat.core import errors
from topcoat.core.odata import binding, expressions, parser
from topcoat.core.odata.syntax import ArithmeticOperator, Function, Operator

PAGE = truth_table.PAGE.read_text()


def test_the_truth_table_is_the_one_that_the_core_computes() -> None:
    assert truth_table.renewed(PAGE) == PAGE, "renew it: python -m tests.docs.truth_table --write"
    assert truth_table.truth_tables() in PAGE


def test_every_operator_and_function_is_named() -> None:
    named = set(re.findall(r"`(\w+)", PAGE))

    words = {word.value for words in (Operator, ArithmeticOperator, Function) for word in words}
    assert words | {"and", "or", "not", "in", expressions.SEGMENT_FUNCTION} <= named


def test_every_refusal_that_is_shown_is_the_one_given() -> None:
    shown = re.findall(r"^\| `([^`|]+)` \| (In \$filter, [^|]+?) \|$", PAGE, re.MULTILINE)

    assert len(shown) >= 4
    for question, message in shown:
        with pytest.raises(errors.QuerySyntaxError) as caught:
            binding.bind_filter(parser.parse_filter(question), truth_table.TABLE)
        assert caught.value.message == message
