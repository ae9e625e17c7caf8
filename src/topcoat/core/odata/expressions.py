"""The grammar of expressions: operators by their binding strength, operands, literals (OData 4.01 part 2, 5.1.1).

Recursion goes one level down per parenthesis, call and operator inside another; their number is bounded, and so is
the height of the tree, which chains such as `1 add 1 add 1` raise without recursion, because whoever walks it recurses.
"""

import decimal
import math
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from topcoat.core.canonical import INTEGER_MAX, INTEGER_MIN
from topcoat.core.catalog import parse_instant
from topcoat.core.odata import query_functions, syntax
from topcoat.core.odata.dialect import CUSTOMER_INSIGHTS, Dialect
from topcoat.core.odata.lexer import DEPTH_MAX, LENGTH_MAX, Cursor, Kind, read_string
from topcoat.core.odata.query_function_reader import QueryFunctionReader
from topcoat.core.odata.syntax import ArithmeticOperator, Expression, Function, Literal, Operator

TERMS_MAX: Final = 10_000
NUMBER_DIGITS_MAX: Final = 50

OR, AND, EQUALITY, RELATION, SUM, PRODUCT, PREFIX, MEMBERSHIP = range(1, 9)
"""Binding strength, weakest first."""

STRENGTHS: Final[dict[Operator | ArithmeticOperator, int]] = {
    Operator.EQ: EQUALITY,
    Operator.NE: EQUALITY,
    Operator.GT: RELATION,
    Operator.GE: RELATION,
    Operator.LT: RELATION,
    Operator.LE: RELATION,
    ArithmeticOperator.ADD: SUM,
    ArithmeticOperator.SUB: SUM,
    ArithmeticOperator.MUL: PRODUCT,
    ArithmeticOperator.DIV: PRODUCT,
    ArithmeticOperator.MOD: PRODUCT,
}

ARGUMENTS: Final = {
    Function.CONTAINS: (2, 2),
    Function.STARTSWITH: (2, 2),
    Function.ENDSWITH: (2, 2),
    Function.TOLOWER: (1, 1),
    Function.TOUPPER: (1, 1),
    Function.TRIM: (1, 1),
    Function.LENGTH: (1, 1),
    Function.CONCAT: (2, 2),
    Function.INDEXOF: (2, 2),
    Function.SUBSTRING: (2, 3),
    Function.YEAR: (1, 1),
    Function.MONTH: (1, 1),
    Function.DAY: (1, 1),
    Function.HOUR: (1, 1),
    Function.MINUTE: (1, 1),
    Function.SECOND: (1, 1),
    Function.DATE: (1, 1),
    Function.NOW: (0, 0),
}

SEGMENT_FUNCTION: Final = "IsMemberOfSegment"
_FUNCTIONS: Final = {function.value: function for function in Function}
_CHAINS: Final = {"or": OR, "and": AND}
_OPERATORS: Final = {operator.value: (operator, strength) for operator, strength in STRENGTHS.items()}
_CONSTANTS: Final[dict[str, Literal]] = {
    "null": syntax.Null(),
    "true": syntax.Boolean(value=True),
    "false": syntax.Boolean(value=False),
}

RESERVED: Final = frozenset({*_CHAINS, *_OPERATORS, *_CONSTANTS, "in", "not"})
"""Words that name no column; in any case, as all words of the grammar."""


class ExpressionParser:
    """Reads expressions at a cursor and leaves it on the first token that does not belong to them."""

    __slots__ = ("_aliased_length", "_aliases", "_cursor", "_dialect", "_height", "_terms")

    def __init__(self, cursor: Cursor, aliases: Mapping[str, str] | None, dialect: Dialect = CUSTOMER_INSIGHTS) -> None:
        """`aliases` is None where none may stand."""
        self._dialect = dialect
        self._cursor = cursor
        self._aliases = aliases
        self._aliased_length = 0
        self._terms = 1  # conditions between `and` and `or`; of a list each item counts
        self._height = 0  # of the expression read last

    def read(self, weakest: int = OR) -> Expression:
        """An expression of operators that bind at least as strongly as `weakest`."""
        cursor = self._cursor
        left = self._operand()
        while cursor.kind is Kind.NAME:
            word = cursor.text.lower()
            if word in _OPERATORS:
                operator, strength = _OPERATORS[word]
                if strength < weakest:
                    break
                left = self._binary(left, operator, strength)
            elif word in _CHAINS:
                if _CHAINS[word] < weakest:
                    break
                left = self._chain(left, word)
            elif word == "in":
                position = cursor.position
                cursor.advance()
                left = syntax.In(left, self._items(), position)
                self._grow(self._height)
            else:
                break
        return left

    def _binary(self, left: Expression, operator: Operator | ArithmeticOperator, strength: int) -> Expression:
        height, position = self._height, self._cursor.position
        self._cursor.descend()
        self._cursor.advance()
        right = self.read(strength + 1)
        self._cursor.ascend()
        self._grow(max(height, self._height))
        if isinstance(operator, Operator):
            return syntax.Comparison(left, operator, right, position)
        return syntax.Arithmetic(left, operator, right, position)

    def _chain(self, first: Expression, word: str) -> Expression:
        cursor = self._cursor
        terms, height, position = [first], self._height, cursor.position
        cursor.descend()
        while cursor.kind is Kind.NAME and cursor.text.lower() == word:
            self._count_term()
            cursor.advance()
            terms.append(self.read(_CHAINS[word] + 1))
            height = max(height, self._height)
        cursor.ascend()
        self._grow(height)
        return syntax.And(tuple(terms), position) if word == "and" else syntax.Or(tuple(terms), position)

    def _operand(self) -> Expression:
        cursor = self._cursor
        self._height = 1
        if cursor.kind is Kind.NAME:
            return self._named()
        if cursor.text == "(":
            return self._parenthesised()
        if cursor.text == "-":
            return self._prefixed(syntax.Negate)
        literal = self._find_literal()
        if literal is None:
            raise cursor.failure("a column, a literal, a function, 'not' or '('")
        return literal

    def _named(self) -> Expression:
        cursor = self._cursor
        name, position = cursor.text, cursor.position
        word = name.lower()
        if word == "not":
            return self._prefixed(syntax.Not)
        if word in _CONSTANTS:
            cursor.advance()
            return _CONSTANTS[word]
        if word in RESERVED:
            raise cursor.failure("a column, a literal, a function, 'not' or '('")
        cursor.advance()
        if cursor.text == "(":
            return self._call(name, position)
        return syntax.Column(name, position)

    def _parenthesised(self) -> Expression:
        self._cursor.descend()
        self._cursor.advance()
        inner = self.read()
        if not self._cursor.skip(")"):
            raise self._cursor.failure("an operator or ')'")
        self._cursor.ascend()
        return inner

    def _prefixed(self, node: type[syntax.Not | syntax.Negate]) -> Expression:
        position = self._cursor.position
        self._cursor.descend()
        self._cursor.advance()
        operand = self.read(PREFIX)
        self._grow(self._height)
        self._cursor.ascend()
        return node(operand, position)

    def _call(self, name: str, position: int) -> Expression:
        cursor, now = self._cursor, self._dialect.now
        if now is not None and name.startswith(query_functions.NAMESPACE):
            return QueryFunctionReader(self._aliases or {}, now, _read_local_literal).read(cursor, name, position)
        function = _FUNCTIONS.get(name.lower())
        if function in self._dialect.functions:
            arguments = self._arguments()
            self._check_count(function, arguments, position)
            return syntax.Call(function, arguments, position)
        if name.lower() == SEGMENT_FUNCTION.lower() and self._dialect is CUSTOMER_INSIGHTS:
            return self._segment(position)
        raise self._cursor.failure_at(position, found=f"the function '{name}'", expected=self._known_functions())

    def _known_functions(self) -> str:
        names = [function.value for function in Function if function in self._dialect.functions]
        others = [SEGMENT_FUNCTION] if self._dialect is CUSTOMER_INSIGHTS else [f"{query_functions.NAMESPACE}In"]
        return "one of the functions " + ", ".join([*names, *others])

    def _arguments(self) -> tuple[Expression, ...]:
        cursor = self._cursor
        cursor.descend()
        cursor.advance()
        arguments: list[Expression] = []
        height = 0
        while not (cursor.text == ")" and not arguments):
            arguments.append(self.read())
            height = max(height, self._height)
            if not cursor.skip(","):
                break
        if not cursor.skip(")"):
            raise cursor.failure("an operator, ',' or ')'")
        self._grow(height)
        cursor.ascend()
        return tuple(arguments)

    def _check_count(self, function: Function, arguments: tuple[Expression, ...], position: int) -> None:
        least, most = ARGUMENTS[function]
        if not least <= len(arguments) <= most:
            expected = f"{least}" if least == most else f"{least} or {most}"
            found = f"{function.value} with {len(arguments)}"
            raise self._cursor.failure_at(position, found=found, expected=f"{expected} arguments")

    def _segment(self, position: int) -> Expression:
        self._cursor.advance()
        failure = self._cursor.failure("the name of a segment in quotes")
        name = self._find_literal()
        if not isinstance(name, syntax.String):
            raise failure
        self._cursor.expect(")")
        return syntax.IsMemberOfSegment(name.value, position)

    def _items(self) -> tuple[Literal, ...]:
        """The list after `in`, or the alias that stands for one."""
        cursor = self._cursor
        if cursor.kind is not Kind.ALIAS or self._aliases is None:
            return self._list()
        inner = self._find_aliased()
        if inner is None:
            raise cursor.failure(f"a list, or a value for '{cursor.text}' among the options")
        items = inner._list()
        self._terms = inner._terms
        inner._cursor.expect_end("nothing more")
        cursor.advance()
        return items

    def _list(self) -> tuple[Literal, ...]:
        cursor = self._cursor
        cursor.expect("(")
        items = []
        while True:
            items.append(self._literal())
            if not cursor.skip(","):
                break
            self._count_term()
        if not cursor.skip(")"):
            raise cursor.failure("',' or ')'")
        return tuple(items)

    def _literal(self) -> Literal:
        literal = self._find_literal()
        if literal is None:
            raise self._cursor.failure("a literal")
        return literal

    def _find_literal(self) -> Literal | None:
        """The literal that stands here, stepped over, or that of an alias; a missing alias is null, as OData says."""
        cursor = self._cursor
        if cursor.kind is not Kind.ALIAS or self._aliases is None:
            return read_literal(cursor, takes_local_instants=self._dialect.takes_local_instants)
        inner = self._find_aliased()
        cursor.advance()
        if inner is None:
            return syntax.Null()
        literal = inner._literal()
        inner._cursor.expect_end("nothing more")
        return literal

    def _find_aliased(self) -> "ExpressionParser | None":
        """A parser of the text that the alias here stands for; no alias stands in such a text."""
        name = self._cursor.text
        text = None if self._aliases is None else self._aliases.get(name)
        if text is None:
            return None
        # What is written once and used often must not grow beyond what could be written out.
        self._aliased_length += len(text)
        if self._aliased_length > LENGTH_MAX:
            raise self._cursor.failure_at(
                self._cursor.position,
                found=f"aliases for more than {LENGTH_MAX} characters",
                expected=f"at most {LENGTH_MAX}",
            )
        inner = ExpressionParser(Cursor(text, name, tokens=self._dialect.tokens), None, self._dialect)
        inner._terms = self._terms
        return inner

    def _grow(self, height: int) -> None:
        """The expression read last stands on one of this height."""
        self._height = height + 1
        if height >= DEPTH_MAX:
            raise self._cursor.too_deep()

    def _count_term(self) -> None:
        self._terms += 1
        if self._terms > TERMS_MAX:
            raise self._cursor.failure_at(
                self._cursor.position, found=f"more than {TERMS_MAX} terms", expected=f"at most {TERMS_MAX}"
            )


def read_literal(cursor: Cursor, *, takes_local_instants: bool = False) -> Literal | None:
    """The literal that stands at the cursor, stepped over; None if something else stands there."""
    if cursor.kind is Kind.NAME:
        literal: Literal | None = _CONSTANTS.get(cursor.text.lower())
    else:
        reader = _READERS.get(cursor.kind)
        if takes_local_instants and cursor.kind is Kind.DATE_TIME:
            reader = _read_local_date_time
        literal = None if reader is None else _read(cursor, reader)
    if literal is not None:
        cursor.advance()
    return literal


def _read_local_literal(cursor: Cursor) -> Literal | None:
    return read_literal(cursor, takes_local_instants=True)


def _read(cursor: Cursor, reader: Callable[[str], Literal]) -> Literal:
    try:
        return reader(cursor.text)
    except (ValueError, ArithmeticError):
        raise cursor.failure(_EXPECTED[cursor.kind]) from None


def _read_date_time(text: str) -> syntax.DateTime:
    if _DATE_TIME.fullmatch(text) is None:
        raise ValueError(text)
    return syntax.DateTime(parse_instant(text.upper()))


def _read_local_date_time(text: str) -> syntax.DateTime:
    return syntax.DateTime(parse_instant(text.upper()))


def _read_integer(text: str) -> syntax.Integer | syntax.Decimal:
    if len(text) <= len(str(INTEGER_MIN)):
        number = int(text)
        if INTEGER_MIN <= number <= INTEGER_MAX:
            return syntax.Integer(number)
    return _read_decimal(text)


def _read_decimal(text: str) -> syntax.Decimal:
    value = decimal.Decimal(text)
    if len(value.as_tuple().digits) > NUMBER_DIGITS_MAX:
        raise ValueError(text)
    magnitude = abs(float(value))
    if math.isinf(magnitude) or (value and not magnitude):
        raise ValueError(text)
    return syntax.Decimal(value)


_READERS: Final[dict[Kind, Callable[[str], Literal]]] = {
    Kind.STRING: lambda text: syntax.String(read_string(text)),
    Kind.GUID: lambda text: syntax.Guid(uuid.UUID(text)),
    Kind.DATE_TIME: _read_date_time,
    Kind.DATE: lambda text: syntax.Date(date.fromisoformat(text)),
    Kind.DECIMAL: _read_decimal,
    Kind.INTEGER: _read_integer,
}

_DATE_TIME: Final = re.compile(
    r"[0-9-]{10}T(?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,12})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})",
    re.IGNORECASE,
)

_EXPECTED: Final = {
    Kind.DATE_TIME: "a date-time with its offset, such as 2026-12-24T18:00:00Z or 2026-12-24T19:00:00+01:00 "
    "(whose plus is %2B in an address)",
    Kind.DATE: "a date such as 2026-12-24",
    Kind.DECIMAL: f"a number of at most {NUMBER_DIGITS_MAX} digits that a 64-bit float can hold",
    Kind.INTEGER: f"a number of at most {NUMBER_DIGITS_MAX} digits that a 64-bit float can hold",
}
