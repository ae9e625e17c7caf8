"""Criteria of segments and measures as bound OData conditions, so that `core.odata.evaluate` says what they mean."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from topcoat.core import catalog, errors
from topcoat.core.canonical import INTEGER_MAX, INTEGER_MIN
from topcoat.core.catalog import EXPECTATIONS, Column, ColumnType, Document, Table, TableKind
from topcoat.core.insights.definition import (
    SEGMENT_ATTRIBUTE,
    SEGMENT_OPERATORS,
    Fault,
    items_of,
    refusal,
    segments_named,
)
from topcoat.core.insights.rows import Scope
from topcoat.core.odata import syntax
from topcoat.core.odata.syntax import Expression, Function, Literal, Operator

_COMPARISONS: Final = {
    "equals": Operator.EQ,
    "notEquals": Operator.NE,
    "greaterThan": Operator.GT,
    "greaterThanOrEqualTo": Operator.GE,
    "lessThan": Operator.LT,
    "lessThanOrEqualTo": Operator.LE,
}
_PARTS_OF_TEXT: Final = {
    "contains": Function.CONTAINS,
    "startsWith": Function.STARTSWITH,
    "endsWith": Function.ENDSWITH,
}
_PARTS_OF_DATE: Final = {"dayOf": Function.DAY, "monthOf": Function.MONTH, "yearOf": Function.YEAR}
_DATES: Final = (ColumnType.DATE, ColumnType.DATE_TIME)
_NUMBERS: Final = (ColumnType.INTEGER, ColumnType.DECIMAL)
_DURATION: Final = re.compile(
    "P(?:(?P<weeks>[0-9]{1,4})W)?(?:(?P<days>[0-9]{1,5})D)?"
    "(?:T(?:(?P<hours>[0-9]{1,6})H)?(?:(?P<minutes>[0-9]{1,6})M)?(?:(?P<seconds>[0-9]{1,6})S)?)?"
)


@dataclass(frozen=True, slots=True)
class Criteria:
    """Translates trees of conditions; raises `DefinitionInvalid` for what is wrong, `NotComputable` for the rest."""

    scope: Scope
    now: datetime

    def condition(self, criteria: Document, place: str) -> Expression:
        _check_kind(criteria, place)
        children = items_of(criteria, "childCriterias")
        if not children:
            return self._leaf(criteria, place)
        if criteria.get("attribute") is not None:
            reason = "has an attribute and childCriterias"
            raise errors.NotComputable(place=place, reason=reason)
        terms = tuple(self.condition(c, f"{place}.childCriterias[{i}]") for i, c in enumerate(children))
        if len(terms) == 1:
            return terms[0]
        return syntax.Or(terms) if criteria.get("logicalOperator") == "or" else syntax.And(terms)

    def _leaf(self, criteria: Document, place: str) -> Expression:
        attribute, operator = criteria.get("attribute"), criteria.get("comparisonOperator")
        if not attribute:
            raise refusal(Fault.PARSING_FAILED, f"{place}.attribute", "is missing; expected Table.Column")
        if not operator:
            raise refusal(Fault.PARSING_FAILED, f"{place}.comparisonOperator", "is missing")
        if attribute == SEGMENT_ATTRIBUTE:
            return self._membership(criteria, operator, place)
        column = self.scope.column(attribute, f"{place}.attribute")
        return _Leaf(criteria, place, column, self.now).condition(operator)

    def _membership(self, criteria: Document, operator: str, place: str) -> Expression:
        if operator not in SEGMENT_OPERATORS:
            expected = f"is {operator}; expected one of {', '.join(SEGMENT_OPERATORS)} beside {SEGMENT_ATTRIBUTE}"
            raise refusal(Fault.INVALID_OPERATION, f"{place}.comparisonOperator", expected)
        names = segments_named(criteria)
        if not names:
            raise refusal(Fault.PARSING_FAILED, f"{place}.listOfValues", "is empty; expected names of segments")
        for name in names:
            if name not in self.scope.segments:
                reason = f"names the segment '{catalog.shown(name)}', which there is not"
                raise refusal(Fault.ENTITY_NOT_FOUND, place, reason + catalog.suggestion(name, self.scope.segments))
        members: tuple[Expression, ...] = tuple(map(syntax.IsMemberOfSegment, names))
        tree = members[0] if len(members) == 1 else syntax.Or(members)
        return syntax.Not(tree) if operator == "notEquals" else tree


def _check_kind(criteria: Document, place: str) -> None:
    if criteria.get("kind") not in (None, "default"):
        raise errors.NotComputable(place=place, reason=f"is of kind {criteria['kind']}")
    if criteria.get("isTime"):
        raise errors.NotComputable(place=place, reason="compares times of day (isTime)")


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A column beside a value."""

    criteria: Document
    place: str
    column: Column
    now: datetime

    def condition(self, operator: str) -> Expression:  # noqa: PLR0911 - one for each kind
        match operator:
            case "isNull" | "isNotNull":
                is_null = Operator.EQ if operator == "isNull" else Operator.NE
                return syntax.Comparison(syntax.Column(self.column.name), is_null, syntax.Null())
            case "isIn":
                return syntax.In(self._side(), self._values())
            case "isBetween" | "isNotBetween":
                return self._between(is_inside=operator == "isBetween")
            case "isWithinLast":
                return self._since(self.now - self._duration())
            case "yearToDate":
                return self._since(datetime(self.now.year, 1, 1, tzinfo=UTC))
        if operator in _COMPARISONS:
            return self._comparison(_COMPARISONS[operator])
        if operator in _PARTS_OF_TEXT:
            self._check_type((ColumnType.STRING,))
            return syntax.Call(_PARTS_OF_TEXT[operator], (self._side(), self._value()))
        if operator in _PARTS_OF_DATE:
            self._check_type(_DATES)
            part = syntax.Call(_PARTS_OF_DATE[operator], (syntax.Column(self.column.name),))
            return syntax.Comparison(part, Operator.EQ, self._literal(ColumnType.INTEGER, self._text(), "value"))
        raise errors.NotComputable(place=f"{self.place}.comparisonOperator", reason=f"is {operator}")

    def _comparison(self, operator: Operator) -> Expression:
        if operator not in (Operator.EQ, Operator.NE):
            self._check_type((ColumnType.STRING, *_NUMBERS, *_DATES))
        return syntax.Comparison(self._side(), operator, self._value())

    def _between(self, *, is_inside: bool) -> Expression:
        self._check_type((ColumnType.STRING, *_NUMBERS, *_DATES))
        values = self._values()
        if len(values) != 2:
            reason = f"has {len(values)} values; expected the lowest and the highest"
            raise refusal(Fault.INVALID_ARGUMENT, f"{self.place}.listOfValues", reason)
        signs = (Operator.GE, Operator.LE) if is_inside else (Operator.LT, Operator.GT)
        terms = tuple(syntax.Comparison(self._side(), s, v) for s, v in zip(signs, values, strict=True))
        return syntax.And(terms) if is_inside else syntax.Or(terms)

    def _since(self, first: datetime) -> Expression:
        self._check_type(_DATES)
        column = syntax.Column(self.column.name)
        bounds = ((Operator.GE, first), (Operator.LE, self.now))
        return syntax.And(tuple(syntax.Comparison(column, sign, syntax.DateTime(at)) for sign, at in bounds))

    def _duration(self) -> timedelta:
        found = _DURATION.fullmatch(self._text())
        parts = {} if found is None else {name: int(value) for name, value in found.groupdict().items() if value}
        if not parts:
            self._refuse_value(f"found '{catalog.shown(self._text())}', expected an ISO 8601 duration such as P30D")
        return timedelta(**parts)

    def _side(self) -> Expression:
        column = syntax.Column(self.column.name)
        return syntax.Call(Function.TOLOWER, (column,)) if self._ignores_case else column

    @property
    def _ignores_case(self) -> bool:
        return bool(self.criteria.get("ignoreCase")) and self.column.type is ColumnType.STRING

    def _value(self) -> Literal:
        return self._literal(self.column.type, self._text(), "value")

    def _values(self) -> tuple[Literal, ...]:
        texts = items_of(self.criteria, "listOfValues")
        if not texts:
            raise refusal(Fault.PARSING_FAILED, f"{self.place}.listOfValues", "is empty; expected values")
        return tuple(self._literal(self.column.type, text, f"listOfValues[{i}]") for i, text in enumerate(texts))

    def _text(self) -> str:
        text: str | None = self.criteria.get("value")
        if text is None:
            raise refusal(Fault.PARSING_FAILED, f"{self.place}.value", "is missing")
        return text

    def _literal(self, type_: ColumnType, text: str, part: str) -> Literal:
        try:
            literal = _READERS[type_](text)
        except (errors.WrongType, ValueError):
            expected = EXPECTATIONS[ColumnType.DECIMAL if type_ in _NUMBERS else type_]
            reason = f"found '{catalog.shown(text)}', expected {expected} beside {self.column.name}"
            raise refusal(Fault.INVALID_ARGUMENT, f"{self.place}.{part}", reason) from None
        if isinstance(literal, syntax.String) and self._ignores_case:
            return syntax.String(literal.value.lower())
        return literal

    def _check_type(self, allowed: tuple[ColumnType, ...]) -> None:
        if self.column.type not in allowed:
            expected = " or ".join(type_.value for type_ in allowed)
            operator = self.criteria["comparisonOperator"]
            reason = f"is {operator}, and {self.column.name} is of type {self.column.type.value}; expected {expected}"
            raise refusal(Fault.INVALID_OPERATION, f"{self.place}.comparisonOperator", reason)

    def _refuse_value(self, reason: str) -> None:
        raise refusal(Fault.INVALID_ARGUMENT, f"{self.place}.value", reason)


def _number(text: str) -> Literal:
    """An integer column may be compared with 2.5."""
    _canonical(ColumnType.DECIMAL, text)
    number = Decimal(text.strip())
    is_integer = INTEGER_MIN <= number <= INTEGER_MAX and number == number.to_integral_value()
    return syntax.Integer(int(number)) if is_integer else syntax.Decimal(number)


def _instant(text: str) -> Literal:
    """A date alone is its first instant, as everywhere."""
    if _is_date(text):
        return syntax.Date(datetime.fromisoformat(text).date())
    return syntax.DateTime(catalog.parse_instant(text))


def _is_date(text: str) -> bool:
    return re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is not None


def _canonical(type_: ColumnType, text: str) -> Any:
    """An empty text is no value of any type but string."""
    if not text:
        raise ValueError(text)
    return catalog.parse_text(_TABLE, Column("value", type_), text)


_TABLE: Final = Table("criteria", TableKind.SOURCE, (), primary_key="value")
_READERS: Final[Mapping[ColumnType, Callable[[str], Literal]]] = {
    ColumnType.STRING: syntax.String,
    ColumnType.INTEGER: _number,
    ColumnType.DECIMAL: _number,
    ColumnType.BOOLEAN: lambda text: syntax.Boolean(value=_canonical(ColumnType.BOOLEAN, text)),
    ColumnType.DATE: lambda text: syntax.Date(datetime.fromisoformat(_canonical(ColumnType.DATE, text)).date()),
    ColumnType.DATE_TIME: _instant,
}
