"""Bound OData trees as SQL conditions on one document: exact, or else selecting too much, never too little (S27).

The core's meaning has two values for comparisons and three for functions of null (S26); under `not`, where SQL's
unknown would drop a row that the core keeps, comparisons are therefore closed with COALESCE.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from topcoat.clock import to_microseconds
from topcoat.core import canonical, catalog
from topcoat.core.catalog import ColumnType
from topcoat.core.odata import syntax, wildcards
from topcoat.core.odata.syntax import Expression, Function, Literal, Operator
from topcoat.store import rowset
from topcoat.store.engine import dump_json

_NUMBERS: Final = (ColumnType.INTEGER, ColumnType.DECIMAL)
_LAST_CODE_POINT: Final = 0x10FFFF
_SURROGATES: Final = (0xD800, 0xDFFF)
_OPERATORS: Final = {Operator.GT: ">", Operator.GE: ">=", Operator.LT: "<", Operator.LE: "<="}
_MIRRORED: Final = {
    Operator.EQ: Operator.EQ,
    Operator.NE: Operator.NE,
    Operator.GT: Operator.LT,
    Operator.GE: Operator.LE,
    Operator.LT: Operator.GT,
    Operator.LE: Operator.GE,
}


@dataclass(frozen=True, slots=True)
class Operand:
    """A column as SQL, null where it has no value; `is_instant`: kept as integer microseconds, not as text."""

    sql: str
    type: ColumnType
    is_instant: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """One that is not exact lets through more than the core would."""

    sql: str
    is_exact: bool


EVERYTHING: Final = Condition("1 = 1", is_exact=False)


@dataclass(slots=True)
class Parameters:
    """The values of one statement's parameters; an equal value has one parameter."""

    is_postgresql: bool
    values: dict[str, Any] = field(default_factory=dict)
    _names: dict[tuple[str, Any], str] = field(default_factory=dict)

    def bind(self, value: Any, type_: str) -> str:
        """The parameter's place in SQL; `type_` is PostgreSQL's."""
        name = self._names.setdefault((type_, value), f"p{len(self._names)}")
        self.values[name] = value
        return f"CAST(:{name} AS {type_})" if self.is_postgresql else f":{name}"

    def among(self, texts: Sequence[str]) -> str:
        """The end of a condition `column …` on texts; one is compared by itself, which leaves an index its order."""
        if len(texts) == 1:
            return f"= {self.bind(texts[0], 'text')}"
        listed = self.bind(dump_json(list(texts)), "text")
        return rowset.among(listed, is_postgresql=self.is_postgresql)


@dataclass(frozen=True, slots=True)
class Translation:
    """How one row is asked: its columns, its segments, and where literals go."""

    parameters: Parameters
    operand: Callable[[str], Operand]
    segment: Callable[[str], str] | None = None

    @property
    def is_postgresql(self) -> bool:
        return self.parameters.is_postgresql

    def condition(self, tree: Expression | None) -> Condition:
        """What holds for at least every row that the core would keep."""
        if tree is None:
            return Condition("1 = 1", is_exact=True)
        return self._find(tree, is_negated=False) or EVERYTHING

    def _find(self, tree: Expression, *, is_negated: bool) -> Condition | None:  # noqa: PLR0911 - one for each kind
        """None where SQL cannot say it; under `not` only what is exact."""
        match tree:
            case syntax.And(terms):
                return self._all_of(terms, is_negated=is_negated)
            case syntax.Or(terms):
                return self._any_of(terms, is_negated=is_negated)
            case syntax.Not(operand):
                inner = self._find(operand, is_negated=True)
                return Condition(f"NOT ({inner.sql})", is_exact=True) if inner and inner.is_exact else None
            case syntax.Comparison(left, operator, right):
                return self._closed(self._comparison(left, operator, right), is_negated=is_negated)
            case syntax.In(syntax.Column(name), items):
                return self._closed(self._membership(self.operand(name), items), is_negated=is_negated)
            case syntax.In(syntax.Call(Function.TOLOWER | Function.TOUPPER as fold, (syntax.Column(name),)), items):
                return self._folded_membership(fold, self.operand(name), items)
            case syntax.Like(syntax.Column(name) | syntax.Call(Function.TOLOWER, (syntax.Column(name),)), pattern):
                return self._like(self.operand(name), pattern)
            case syntax.Call(function, arguments):
                return self._call(function, arguments)
            case syntax.Column(name):
                return Condition(self._truth(self.operand(name)), is_exact=True)
            case syntax.Boolean(value):
                return Condition("1 = 1" if value else "1 = 0", is_exact=True)
            case syntax.IsMemberOfSegment(name) if self.segment is not None:
                return Condition(self.segment(self.parameters.bind(name, "text")), is_exact=True)
            case _:
                return None

    def _all_of(self, terms: tuple[Expression, ...], *, is_negated: bool) -> Condition | None:
        """Terms that SQL cannot say are left to the core."""
        found = [self._find(term, is_negated=is_negated) for term in terms]
        said = [condition for condition in found if condition is not None]
        if not said:
            return None
        is_exact = len(said) == len(found) and all(condition.is_exact for condition in said)
        return Condition(_joined([condition.sql for condition in said], "AND"), is_exact)

    def _any_of(self, terms: tuple[Expression, ...], *, is_negated: bool) -> Condition | None:
        found = [self._find(term, is_negated=is_negated) for term in terms]
        said = [condition for condition in found if condition is not None]
        if len(said) < len(found):
            return None
        is_exact = all(condition.is_exact for condition in said)
        return Condition(_joined([condition.sql for condition in said], "OR"), is_exact)

    def _closed(self, condition: Condition | None, *, is_negated: bool) -> Condition | None:
        """Without COALESCE an index can serve it."""
        if condition is None or not is_negated:
            return condition
        return Condition(f"COALESCE({condition.sql}, 1 = 0)", condition.is_exact)

    def _truth(self, operand: Operand) -> str:
        return f"{operand.sql} = {self.parameters.bind('true', 'text')}" if self.is_postgresql else f"{operand.sql} = 1"

    def _comparison(self, left: Expression, operator: Operator, right: Expression) -> Condition | None:
        match left, right:
            case syntax.Column(name), syntax.Column(other):
                return self._between_columns(self.operand(name), operator, self.operand(other))
            case ((syntax.Column() | syntax.Call()), literal) if isinstance(literal, Literal):
                return self._with_literal(left, operator, literal)
            case literal, (syntax.Column() | syntax.Call()) if isinstance(literal, Literal):
                return self._with_literal(right, _MIRRORED[operator], literal)
            case _:
                return None

    def _between_columns(self, left: Operand, operator: Operator, right: Operand) -> Condition | None:
        is_same_kind = left.type is right.type or (left.type in _NUMBERS and right.type in _NUMBERS)
        if not is_same_kind or left.is_instant is not right.is_instant:
            return None
        if left.type is not right.type and not self.is_postgresql:
            return None  # beyond 2**53 SQLite compares an integer with the float, not with its shortest text
        if operator is Operator.EQ:
            return Condition(f"NOT ({self._differs(left.sql, right.sql)})", is_exact=True)
        if operator is Operator.NE:
            return Condition(self._differs(left.sql, right.sql), is_exact=True)
        return Condition(f"{left.sql} {_OPERATORS[operator]} {right.sql}", is_exact=True)

    def _with_literal(self, tree: Expression, operator: Operator, literal: Literal) -> Condition | None:
        match tree:
            case syntax.Column(name):
                return self._compared(self.operand(name), operator, literal)
            case syntax.Call(Function.LENGTH, (syntax.Column(name),)):
                text = self.operand(name)
                return self._compared(Operand(f"length({text.sql})", ColumnType.INTEGER), operator, literal)
            case syntax.Call(Function.TOLOWER | Function.TOUPPER as fold, (syntax.Column(name),)):
                folded = self._folded(fold, self.operand(name))
                return self._or_beyond_ascii(self._compared(folded, operator, literal), self.operand(name))
            case _:
                return None

    def _compared(self, operand: Operand, operator: Operator, literal: Literal) -> Condition | None:
        if isinstance(literal, syntax.Null):
            return _compared_with_null(operand, operator)
        placed = self._literal(operand, literal)
        if placed is None:
            return None
        parameter, is_exact = placed
        match operator:
            case Operator.EQ:
                return Condition(f"{operand.sql} = {parameter}", is_exact)
            case Operator.NE:
                # A literal that was rounded might equal what the exact one differs from.
                return Condition(self._differs(operand.sql, parameter), is_exact) if is_exact else None
            case _:
                # What was rounded may stand on the other side: let the bound itself through.
                sign = _OPERATORS[operator] if is_exact else _OPERATORS[operator][0] + "="
                return Condition(f"{operand.sql} {sign} {parameter}", is_exact)

    def _membership(self, operand: Operand, items: tuple[Literal, ...]) -> Condition | None:
        placed = [self._literal(operand, item) for item in items if not isinstance(item, syntax.Null)]
        known = [parameter for parameter in placed if parameter is not None]
        if len(known) < len(placed):
            return None
        tests = [f"{operand.sql} IN ({', '.join(parameter for parameter, _ in known)})"] if known else []
        if len(placed) < len(items):
            tests.append(f"{operand.sql} IS NULL")
        return Condition(" OR ".join(tests), all(is_exact for _, is_exact in known))

    def _call(self, function: Function, arguments: tuple[Expression, ...]) -> Condition | None:
        """`contains`, `startswith` and `endswith` of a column and a literal."""
        match function, arguments:
            case (
                (Function.CONTAINS | Function.STARTSWITH | Function.ENDSWITH),
                (
                    syntax.Column(name),
                    syntax.String(text),
                ),
            ):
                return Condition(self._found(function, self.operand(name), text), is_exact=True)
            case (
                (Function.CONTAINS | Function.STARTSWITH | Function.ENDSWITH),
                (
                    syntax.Call(Function.TOLOWER | Function.TOUPPER as fold, (syntax.Column(name),)),
                    syntax.String(text),
                ),
            ):
                operand = self.operand(name)
                found = self._found(function, self._folded(fold, operand), text)
                return self._or_beyond_ascii(Condition(found, is_exact=True), operand)
            case _:
                return None

    def _folded_membership(self, fold: Function, operand: Operand, items: tuple[Literal, ...]) -> Condition | None:
        return self._or_beyond_ascii(self._membership(self._folded(fold, operand), items), operand)

    def _like(self, operand: Operand, pattern: str) -> Condition | None:
        """Without regard to case both databases compare ASCII alone; on PostgreSQL trigrams serve it."""
        asked = wildcards.ascii_pattern(pattern)
        if asked is None:
            return None
        bound = self.parameters.bind(asked, "text")
        sql = f"ILIKE {bound}" if self.is_postgresql else f"LIKE {bound} ESCAPE '\\'"
        return Condition(f"{operand.sql} {sql}", is_exact=False)

    def _found(self, function: Function, operand: Operand, text: str) -> str:
        """Null for null, as in the core."""
        if not text:
            return f"length({operand.sql}) >= 0"
        match function:
            case Function.CONTAINS if self.is_postgresql:
                return f"{operand.sql} LIKE {self.parameters.bind(f'%{_escaped(text)}%', 'text')}"
            case Function.CONTAINS:
                return f"instr({operand.sql}, {self.parameters.bind(text, 'text')}) > 0"
            case Function.STARTSWITH:
                return self._prefixed(operand, text)
            case _:
                length = self.parameters.bind(len(text), "int")
                ending = (
                    f"right({operand.sql}, {length})" if self.is_postgresql else f"substr({operand.sql}, -{length})"
                )
                return f"{ending} = {self.parameters.bind(text, 'text')}"

    def _prefixed(self, operand: Operand, text: str) -> str:
        """As a range, which an index in the order of code points serves."""
        lowest = f"{operand.sql} >= {self.parameters.bind(text, 'text')}"
        beyond = _successor(text)
        if beyond is None:
            return lowest
        return f"{lowest} AND {operand.sql} < {self.parameters.bind(beyond, 'text')}"

    def _folded(self, fold: Function, operand: Operand) -> Operand:
        """Both databases fold ASCII alone (PostgreSQL under the collation C)."""
        return Operand(f"{'lower' if fold is Function.TOLOWER else 'upper'}({operand.sql})", operand.type)

    def _or_beyond_ascii(self, condition: Condition | None, operand: Operand) -> Condition | None:
        """What the databases cannot fold is left to the core."""
        if condition is None:
            return None
        bytes_ = f"octet_length({operand.sql})" if self.is_postgresql else f"length(CAST({operand.sql} AS BLOB))"
        return Condition(f"({condition.sql}) OR {bytes_} <> length({operand.sql})", is_exact=False)

    def _differs(self, left: str, right: str) -> str:
        return f"{left} IS DISTINCT FROM {right}" if self.is_postgresql else f"{left} IS NOT {right}"

    def _literal(self, operand: Operand, literal: Literal) -> tuple[str, bool] | None:  # noqa: PLR0911 - likewise
        """The literal as a parameter that compares with the operand, and whether it is exactly the literal."""
        match operand.type, literal:
            case ColumnType.STRING, syntax.String(text):
                return self.parameters.bind(text, "text"), True
            case ColumnType.STRING, syntax.Guid(guid):
                return self.parameters.bind(str(guid), "text"), True
            case ((ColumnType.INTEGER | ColumnType.DECIMAL), (syntax.Integer() | syntax.Decimal())):
                return self._number(operand, Decimal(literal.value))
            case ColumnType.BOOLEAN, syntax.Boolean(flag):
                value = ("true" if flag else "false") if self.is_postgresql else int(flag)
                return self.parameters.bind(value, "text"), True
            case ColumnType.DATE, syntax.Date(day):
                return self.parameters.bind(day.isoformat(), "text"), True
            case ColumnType.DATE_TIME, syntax.DateTime(instant):
                return self._instant(operand, instant), True
            case ColumnType.DATE_TIME, syntax.Date(day):
                return self._instant(operand, catalog.parse_instant(f"{day.isoformat()}T00:00:00Z")), True
            case _:
                return None

    def _instant(self, operand: Operand, instant: Any) -> str:
        if operand.is_instant:
            return self.parameters.bind(to_microseconds(instant), "bigint")
        return self.parameters.bind(catalog.format_instant(instant).rstrip("Z"), "text")

    def _number(self, operand: Operand, number: Decimal) -> tuple[str, bool]:
        """SQLite has integers of 64 bits and floats, and tells them apart where a float is not its shortest text."""
        if self.is_postgresql:
            return self.parameters.bind(number, "numeric"), True
        is_whole = number == number.to_integral_value() and canonical.INTEGER_MIN <= number <= canonical.INTEGER_MAX
        if operand.type is ColumnType.INTEGER and is_whole:
            return self.parameters.bind(int(number), "numeric"), True
        nearest = float(number)
        return self.parameters.bind(nearest, "numeric"), Decimal(repr(nearest)) == number


def _joined(conditions: list[str], word: str) -> str:
    """By halves: SQLite refuses trees of more than a thousand levels, and takes a chain for one."""
    if len(conditions) == 1:
        return f"({conditions[0]})"
    middle = len(conditions) // 2
    left, right = _joined(conditions[:middle], word), _joined(conditions[middle:], word)
    return f"({left} {word} {right})"


def _compared_with_null(operand: Operand, operator: Operator) -> Condition:
    match operator:
        case Operator.EQ:
            return Condition(f"{operand.sql} IS NULL", is_exact=True)
        case Operator.NE:
            return Condition(f"{operand.sql} IS NOT NULL", is_exact=True)
        case _:
            return Condition("1 = 0", is_exact=True)


def _escaped(text: str) -> str:
    r"""For LIKE, whose escape is the backslash by default."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _successor(prefix: str) -> str | None:
    """The least text beyond all that begin with the prefix; None if there is none."""
    for place in range(len(prefix) - 1, -1, -1):
        following = ord(prefix[place]) + 1
        if _SURROGATES[0] <= following <= _SURROGATES[1]:
            following = _SURROGATES[1] + 1
        if following <= _LAST_CODE_POINT:
            return prefix[:place] + chr(following)
    return None
