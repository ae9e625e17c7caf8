"""Conditions in Dataverse's names and meaning, on our tables: strings without regard to case, GUIDs as ids.

Ids are compared as they are: they are keys, and ours tell `a` from `A`.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from topcoat.core import catalog, errors
from topcoat.core.catalog import CUSTOMER_ID, shown, suggestion
from topcoat.core.odata import syntax, wildcards
from topcoat.core.odata.printer import print_literal
from topcoat.core.odata.syntax import Column, Expression, Function, Literal, Operator
from topcoat.surfaces.dataverse.names import NAMESPACE, AttributeType, DataverseColumn, DataverseTable, Role
from topcoat.surfaces.dataverse.resource import read_guid

KeysOf = Callable[[DataverseTable, DataverseColumn, uuid.UUID], Sequence[str]]
"""The keys that a GUID in a column of ids may stand for."""

_STRINGS: Final = (AttributeType.STRING, AttributeType.MEMO)
_NUMBERS: Final = (AttributeType.BIGINT, AttributeType.DECIMAL, AttributeType.INTEGER)
_TEXTUAL: Final = (Function.CONTAINS, Function.STARTSWITH, Function.ENDSWITH)
_EXPECTED: Final[Mapping[AttributeType, str]] = {
    AttributeType.UNIQUEIDENTIFIER: "a GUID",
    AttributeType.LOOKUP: "a GUID",
    AttributeType.STRING: "a string in single quotes",
    AttributeType.MEMO: "a string in single quotes",
    AttributeType.BIGINT: "a number",
    AttributeType.INTEGER: "a number",
    AttributeType.DECIMAL: "a number",
    AttributeType.BOOLEAN: "true or false",
    AttributeType.DATE_TIME: "a date-time such as 2026-12-24T18:00:00Z without quotes",
}


def get_column(table: DataverseTable, name: str) -> DataverseColumn:
    column = table.by_name.get(name)
    if column is None:
        raise property_not_found(table, name)
    return column


def property_not_found(table: DataverseTable, name: str) -> errors.PropertyNotFound:
    near = suggestion(name, table.by_name)
    return errors.PropertyNotFound(column=shown(name), type=f"{NAMESPACE}.{table.logical}", suggestion=near)


@dataclass(frozen=True, slots=True)
class Translator:
    """`option` is what errors name."""

    table: DataverseTable
    keys_of: KeysOf
    option: str = "$filter"

    def translate(self, tree: Expression) -> Expression:  # noqa: PLR0911 - one for each kind
        match tree:
            case syntax.And(terms) | syntax.Or(terms):
                return replace(tree, terms=tuple(map(self.translate, terms)))
            case syntax.Not(operand):
                return replace(tree, operand=self.translate(operand))
            case syntax.Comparison(Column() as left, _, Column() as right):
                return replace(tree, left=self._side(left, right), right=self._side(right, left))
            case syntax.Comparison(Column() as column, operator, literal) if isinstance(literal, syntax.Literal):
                return self._compared(column, operator, literal)
            case syntax.Comparison(literal, operator, Column() as column) if isinstance(literal, syntax.Literal):
                return self._compared(column, _MIRRORED[operator], literal)
            case syntax.In(Column() as column, items):
                return self._among(column, items)
            case syntax.Call(function, (Column() as column, literal)) if function in _TEXTUAL:
                return self._found(tree, function, column, literal)
            case Column():
                return self._flag(tree)
            case syntax.Boolean():
                return tree
            case _:
                raise self._refused(tree)

    def order(self, key: syntax.OrderBy) -> syntax.OrderBy | None:
        """None for a column that is always null."""
        if not isinstance(key.expression, Column):
            raise errors.OptionInvalid(option=self.option, reason="takes columns only")
        column = self._filterable(key.expression)
        if column.role is Role.NEVER:
            return None
        return replace(key, expression=Column(str(column.source), key.expression.position))

    def _filterable(self, node: Column) -> DataverseColumn:
        column = get_column(self.table, node.name)
        if not column.is_filterable:
            reason = f"cannot name {column.name}, which is not stored but follows from the writes that are live"
            raise errors.OptionInvalid(option=self.option, reason=reason)
        return column

    def _operand(self, node: Column, column: DataverseColumn) -> Expression:
        """What is compared: our column, without its case where it is no id."""
        if column.role is Role.NEVER:
            return syntax.Null()
        plain = Column(str(column.source), node.position)
        if column.type in _STRINGS and not self._is_id(column):
            return syntax.Call(Function.TOLOWER, (plain,), node.position)
        return plain

    def _is_id(self, column: DataverseColumn) -> bool:
        return column.source in (CUSTOMER_ID, self.table.key_column)

    def _side(self, node: Column, other: Column) -> Expression:
        """Of a comparison between columns, which have to be of one kind."""
        column, beside = self._filterable(node), self._filterable(other)
        if _kind(column) != _kind(beside):
            found = f"the {column.type.value} column {column.name} beside the {beside.type.value} column {beside.name}"
            raise self._failure(node.position, found, "columns of one type")
        return self._operand(node, column)

    def _compared(self, node: Column, operator: Operator, literal: Literal) -> Expression:
        column = self._filterable(node)
        operand = self._operand(node, column)
        if isinstance(literal, syntax.Null):
            return syntax.Comparison(operand, operator, literal, node.position)
        if _is_guid(column):
            keys = self._keys(node, column, literal)
            among = syntax.In(operand, keys, node.position)
            if operator not in (Operator.EQ, Operator.NE):
                raise self._failure(node.position, f"'{operator.value}' beside {column.name}", "'eq' or 'ne'")
            return among if operator is Operator.EQ else syntax.Not(among, node.position)
        value = self._value(node, column, literal)
        return syntax.Comparison(operand, operator, value, node.position)

    def _among(self, node: Column, items: Sequence[Literal]) -> Expression:
        column = self._filterable(node)
        operand = self._operand(node, column)
        if _is_guid(column):
            keys = [key for item in items for key in self._keys(node, column, item)]
            return syntax.In(operand, tuple(keys), node.position)
        values = tuple(self._value(node, column, item) for item in items)
        return syntax.In(operand, values, node.position)

    def _found(self, tree: syntax.Call, function: Function, node: Column, literal: Expression) -> Expression:
        column = self._filterable(node)
        if column.type not in _STRINGS or not isinstance(literal, syntax.String | syntax.Integer | syntax.Null):
            raise self._failure(node.position, f"{function.value} of {column.name}", "a string column and a string")
        operand = self._operand(node, column)
        if isinstance(literal, syntax.Null):
            return replace(tree, arguments=(operand, literal))
        text = str(literal.value).replace('\\"', '"')
        if wildcards.has_wildcard(text):
            return syntax.Like(operand, _PATTERNS[function].format(text), tree.position)
        is_folded = isinstance(operand, syntax.Call)
        return replace(tree, arguments=(operand, syntax.String(text.lower() if is_folded else text)))

    def _flag(self, node: Column) -> Expression:
        column = self._filterable(node)
        if column.type is not AttributeType.BOOLEAN:
            raise self._failure(
                node.position, f"the column {column.name}", f"a condition such as {column.name} ne null"
            )
        return self._operand(node, column)

    def _keys(self, node: Column, column: DataverseColumn, literal: Literal) -> tuple[syntax.String, ...]:
        guid = _read_guid(literal)
        if guid is None:
            raise self._mismatch(node, column, literal)
        return tuple(map(syntax.String, self.keys_of(self.table, column, guid)))

    def _value(self, node: Column, column: DataverseColumn, literal: Literal) -> Literal:
        """The literal as one of the column's type: clients put values of any type into quotes."""
        value = self._coerced(column, literal)
        if value is None:
            raise self._mismatch(node, column, literal)
        if isinstance(value, syntax.String) and not self._is_id(column):
            return syntax.String(value.value.lower())
        return value

    def _coerced(self, column: DataverseColumn, literal: Literal) -> Literal | None:  # noqa: PLR0911 - one for each kind
        match literal:
            case syntax.Null():
                return literal
            case syntax.String(text) if column.type in _STRINGS:
                return literal
            case syntax.Guid(guid) if column.type in _STRINGS:
                return syntax.String(str(guid))
            case syntax.Integer() | syntax.Decimal() if column.type in _NUMBERS:
                return literal
            case syntax.Boolean() if column.type is AttributeType.BOOLEAN:
                return literal
            case syntax.Integer(0 | 1 as number) if column.type is AttributeType.BOOLEAN:
                return syntax.Boolean(bool(number))
            case syntax.DateTime() | syntax.Date() if column.type is AttributeType.DATE_TIME:
                return literal
            case syntax.String(text):
                return _from_text(column, text)
            case _:
                return None

    def _mismatch(self, node: Column, column: DataverseColumn, literal: Literal) -> errors.QuerySyntaxError:
        found = f"{shown(print_literal(literal))} beside the {column.type.value} column {column.name}"
        return self._failure(node.position, found, _EXPECTED[column.type])

    def _failure(self, position: int, found: str, expected: str) -> errors.QuerySyntaxError:
        return errors.QuerySyntaxError(option=self.option, position=position, found=found, expected=expected)

    def _refused(self, tree: Expression) -> errors.QuerySyntaxError:
        position = getattr(tree, "position", 0)
        expected = "a column compared with a value or a column, or a function of a column"
        return self._failure(position, "another expression", expected)


_MIRRORED: Final = {
    Operator.EQ: Operator.EQ,
    Operator.NE: Operator.NE,
    Operator.GT: Operator.LT,
    Operator.GE: Operator.LE,
    Operator.LT: Operator.GT,
    Operator.LE: Operator.GE,
}
_PATTERNS: Final = {Function.CONTAINS: "%{}%", Function.STARTSWITH: "{}%", Function.ENDSWITH: "%{}"}


def _is_guid(column: DataverseColumn) -> bool:
    return column.role in (Role.ROW_ID, Role.LOOKUP)


def _kind(column: DataverseColumn) -> object:
    if _is_guid(column):
        return column.source
    if column.type in _NUMBERS:
        return _NUMBERS
    return _STRINGS if column.type in _STRINGS else column.type


def _read_guid(literal: Literal) -> uuid.UUID | None:
    match literal:
        case syntax.Guid(guid):
            return guid
        case syntax.String(text):
            return read_guid(text)
        case _:
            return None


def _from_text(column: DataverseColumn, text: str) -> Literal | None:
    if column.type in _NUMBERS:
        return _number(text)
    if column.type is AttributeType.BOOLEAN:
        return {"true": syntax.Boolean(value=True), "false": syntax.Boolean(value=False)}.get(text.lower())
    if column.type is AttributeType.DATE_TIME:
        return _date_or_instant(text)
    return None


def _number(text: str) -> Literal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or len(text) > 50 or abs(number.adjusted()) > 300:
        return None
    is_whole = number == number.to_integral_value() and abs(number) < 2**63
    return syntax.Integer(int(number)) if is_whole else syntax.Decimal(number)


def _date_or_instant(text: str) -> Literal | None:
    try:
        return (
            syntax.Date(date.fromisoformat(text)) if len(text) == 10 else syntax.DateTime(catalog.parse_instant(text))
        )
    except ValueError:
        return None
