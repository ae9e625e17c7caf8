"""Expressions bound to a table: columns in its spelling, and types that fit, so that evaluation cannot fail.

A bound tree holds no guid: it is the string of its lower-case text. A fault is refused where it stands; a literal,
which does not know its place, is refused where the operator or function around it stands.
"""

from dataclasses import replace
from typing import Final

from topcoat.core import errors
from topcoat.core.catalog import Column, Table, TableKind, shown
from topcoat.core.odata import syntax
from topcoat.core.odata.expressions import SEGMENT_FUNCTION
from topcoat.core.odata.printer import print_literal
from topcoat.core.odata.syntax import Expression, Function, Literal, Operator, OrderBy
from topcoat.core.odata.value_types import DATES, NUMBERS, ValueType, are_comparable, type_of

_EXPECTATIONS: Final = {
    ValueType.NULL: "anything",
    ValueType.STRING: "a string in single quotes",
    ValueType.INTEGER: "a number",
    ValueType.DECIMAL: "a number",
    ValueType.BOOLEAN: "true, false or a condition",
    ValueType.DATE: "a date such as 2026-12-24 without quotes",
    ValueType.DATE_TIME: "a date-time such as 2026-12-24T18:00:00Z without quotes",
}

_STRINGS: Final = frozenset({ValueType.STRING})
_INTEGERS: Final = frozenset({ValueType.INTEGER})
_BOOLEANS: Final = frozenset({ValueType.BOOLEAN})
_DATE_TIMES: Final = frozenset({ValueType.DATE_TIME})

_ARGUMENTS: Final[dict[Function, tuple[frozenset[ValueType], ...]]] = {
    Function.CONTAINS: (_STRINGS, _STRINGS),
    Function.STARTSWITH: (_STRINGS, _STRINGS),
    Function.ENDSWITH: (_STRINGS, _STRINGS),
    Function.TOLOWER: (_STRINGS,),
    Function.TOUPPER: (_STRINGS,),
    Function.TRIM: (_STRINGS,),
    Function.LENGTH: (_STRINGS,),
    Function.CONCAT: (_STRINGS, _STRINGS),
    Function.INDEXOF: (_STRINGS, _STRINGS),
    Function.SUBSTRING: (_STRINGS, _INTEGERS, _INTEGERS),
    Function.YEAR: (DATES,),
    Function.MONTH: (DATES,),
    Function.DAY: (DATES,),
    Function.HOUR: (_DATE_TIMES,),
    Function.MINUTE: (_DATE_TIMES,),
    Function.SECOND: (_DATE_TIMES,),
    Function.DATE: (_DATE_TIMES,),
    Function.NOW: (),
}

_EXPECTED_SETS: Final = {
    _STRINGS: "a string",
    _INTEGERS: "a whole number",
    NUMBERS: "a number",
    _BOOLEANS: _EXPECTATIONS[ValueType.BOOLEAN],
    DATES: "a date or a date-time",
    _DATE_TIMES: "a date-time",
}


def bind_expression(tree: Expression, table: Table, *, option: str) -> Expression:
    """The same tree in the table's spelling; `option` is what errors name."""
    return _Binder(table, option).bind(tree)


def bind_filter(tree: Expression, table: Table, option: str = "$filter") -> Expression:
    """As `bind_expression`, and it is a condition."""
    bound = bind_expression(tree, table, option=option)
    if type_of(bound, table) is not ValueType.BOOLEAN:
        example = bound.name if isinstance(bound, syntax.Column) else table.primary_key
        raise _failure(bound, None, table, option, expected=f"a condition such as {example} ne null")
    return bound


def bind_orderby(keys: tuple[OrderBy, ...], table: Table, option: str = "$orderby") -> tuple[OrderBy, ...]:
    """Keys of any type but null, which orders nothing."""
    bound = tuple(replace(key, expression=bind_expression(key.expression, table, option=option)) for key in keys)
    for key in bound:
        if type_of(key.expression, table) is ValueType.NULL:
            raise _failure(key.expression, None, table, option, expected="a column or an expression")
    return bound


class _Binder:
    __slots__ = ("_columns", "_option", "_table")

    def __init__(self, table: Table, option: str) -> None:
        self._table = table
        self._option = option
        self._columns: dict[str, Column] = {}

    def bind(self, tree: Expression) -> Expression:  # noqa: PLR0911 - one for each kind
        match tree:
            case syntax.Column(name):
                return replace(tree, name=self._column(name).name)
            case syntax.And(terms):
                return replace(tree, terms=tuple(self._operand(term, tree, _BOOLEANS) for term in terms))
            case syntax.Or(terms):
                return replace(tree, terms=tuple(self._operand(term, tree, _BOOLEANS) for term in terms))
            case syntax.Not(operand):
                return replace(tree, operand=self._operand(operand, tree, _BOOLEANS))
            case syntax.Negate(operand):
                return replace(tree, operand=self._operand(operand, tree, NUMBERS))
            case syntax.Arithmetic(left, _, right):
                bound_left = self._operand(left, tree, NUMBERS)
                return replace(tree, left=bound_left, right=self._operand(right, tree, NUMBERS))
            case syntax.Comparison():
                return self._comparison(tree)
            case syntax.In():
                return self._membership(tree)
            case syntax.Call():
                return self._call(tree)
            case syntax.Like(operand):
                return replace(tree, operand=self._operand(operand, tree, _STRINGS))
            case syntax.IsMemberOfSegment():
                return self._segment(tree)
            case _:
                return _bound_literal(tree)

    def _column(self, name: str) -> Column:
        column = self._columns.get(name)
        if column is None:
            column = self._table.find_column_any_case(name) or self._table.get_column(name)
            self._columns[name] = column
        return column

    def _operand(
        self, operand: Expression, parent: Expression, allowed: frozenset[ValueType], place: str = ""
    ) -> Expression:
        bound = self.bind(operand)
        if allowed is NUMBERS and isinstance(bound, syntax.Negate | syntax.Arithmetic):
            return bound  # To ask every level of a long sum for its type would take the square of its length.
        type_ = type_of(bound, self._table)
        if type_ is not ValueType.NULL and type_ not in allowed:
            raise self._failure(bound, parent, expected=_EXPECTED_SETS[allowed] + place)
        return bound

    def _comparison(self, tree: syntax.Comparison) -> Expression:
        left, right = self.bind(tree.left), self.bind(tree.right)
        types = type_of(left, self._table), type_of(right, self._table)
        if not are_comparable(*types):
            raise self._mismatch(left, right, tree)
        if ValueType.BOOLEAN in types and tree.operator not in (Operator.EQ, Operator.NE):
            raise errors.QuerySyntaxError(
                option=self._option,
                position=tree.position,
                found=f"'{tree.operator.value}' between booleans",
                expected="'eq' or 'ne'",
            )
        return replace(tree, left=left, right=right)

    def _membership(self, tree: syntax.In) -> Expression:
        left, items = self.bind(tree.left), tuple(map(_bound_literal, tree.items))
        type_ = type_of(left, self._table)
        for item in items:
            if not are_comparable(type_, type_of(item, self._table)):
                raise self._mismatch(left, item, tree)
        return replace(tree, left=left, items=items)

    def _call(self, tree: syntax.Call) -> Expression:
        name = tree.function.value
        pairs = zip(tree.arguments, _ARGUMENTS[tree.function], strict=False)  # the last may be left out
        arguments = tuple(self._operand(argument, tree, allowed, f" in {name}") for argument, allowed in pairs)
        return replace(tree, arguments=arguments)

    def _segment(self, tree: syntax.IsMemberOfSegment) -> Expression:
        if self._table.kind is TableKind.CUSTOMER:
            return tree
        raise errors.QuerySyntaxError(
            option=self._option,
            position=tree.position,
            found=SEGMENT_FUNCTION,
            expected=f"a condition on columns of {self._table.name}, because only customers are in segments",
        )

    def _mismatch(self, left: Expression, right: Expression, parent: Expression) -> errors.BadInput:
        """The literal is at fault, if one side is a literal, else the right side."""
        is_left_wrong = isinstance(left, syntax.Literal) and not isinstance(right, syntax.Literal)
        wrong, other = (left, right) if is_left_wrong else (right, left)
        beside = f" beside {_describe(other, self._table)}"
        return self._failure(wrong, parent, expected=_EXPECTATIONS[type_of(other, self._table)], beside=beside)

    def _failure(self, node: Expression, parent: Expression, *, expected: str, beside: str = "") -> errors.BadInput:
        return _failure(node, parent, self._table, self._option, expected=expected, beside=beside)


def _failure(
    node: Expression, parent: Expression | None, table: Table, option: str, *, expected: str, beside: str = ""
) -> errors.BadInput:
    found = _describe(node, table) + beside
    place = parent if isinstance(node, syntax.Literal) else node
    if place is None or isinstance(place, syntax.Literal):
        return errors.OptionInvalid(option=option, reason=f"is {found}; expected {expected}")
    return errors.QuerySyntaxError(option=option, position=place.position, found=found, expected=expected)


def _bound_literal(literal: Literal) -> Literal:
    return syntax.String(str(literal.value)) if isinstance(literal, syntax.Guid) else literal


def _describe(node: Expression, table: Table) -> str:
    type_ = type_of(node, table)
    match node:
        case syntax.Null():
            return "null"
        case syntax.Column(name):
            return f"the {type_.value} column {name}"
        case syntax.Call(function):
            return f"the {type_.value} that {function.value} gives"
        case syntax.Negate() | syntax.Arithmetic():
            return "a number"
    if isinstance(node, syntax.Literal):
        kind = "number" if type_ in NUMBERS else type_.value
        return f"the {kind} {shown(print_literal(node))}"
    return "a condition"
