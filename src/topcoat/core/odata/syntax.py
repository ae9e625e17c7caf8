"""The nodes of `$filter`, `$orderby`, `$search` and `$expand`.

And and Or hold their terms side by side, at least two of them, so that a long chain is flat. Positions are no part
of what a tree means: they are left out of equality, hash and repr.
"""

import datetime
import decimal
import enum
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace


class Operator(enum.Enum):
    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


class ArithmeticOperator(enum.Enum):
    ADD = "add"
    SUB = "sub"
    MUL = "mul"
    DIV = "div"
    MOD = "mod"


class Function(enum.Enum):
    CONTAINS = "contains"
    STARTSWITH = "startswith"
    ENDSWITH = "endswith"
    TOLOWER = "tolower"
    TOUPPER = "toupper"
    TRIM = "trim"
    LENGTH = "length"
    CONCAT = "concat"
    INDEXOF = "indexof"
    SUBSTRING = "substring"
    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    HOUR = "hour"
    MINUTE = "minute"
    SECOND = "second"
    DATE = "date"
    NOW = "now"


def _position() -> int:
    """Where a node stood in the text of its option; an operator's node stands where the operator does."""
    position: int = field(default=0, compare=False, repr=False)
    return position


@dataclass(frozen=True, slots=True)
class Null:
    pass


@dataclass(frozen=True, slots=True)
class String:
    value: str


@dataclass(frozen=True, slots=True)
class Integer:
    """At most 64 bits; a longer integer is a Decimal."""

    value: int


@dataclass(frozen=True, slots=True)
class Decimal:
    """Exactly as written, and within what a 64-bit float can hold."""

    value: decimal.Decimal


@dataclass(frozen=True, slots=True)
class Boolean:
    value: bool


@dataclass(frozen=True, slots=True)
class DateTime:
    """Aware, in UTC."""

    value: datetime.datetime


@dataclass(frozen=True, slots=True)
class Date:
    value: datetime.date


@dataclass(frozen=True, slots=True)
class Guid:
    value: uuid.UUID


Literal = Null | String | Integer | Decimal | Boolean | DateTime | Date | Guid


@dataclass(frozen=True, slots=True)
class Column:
    """The name is as the caller spelled it; the table's spelling may differ in case."""

    name: str
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Comparison:
    left: "Expression"
    operator: Operator
    right: "Expression"
    position: int = _position()


@dataclass(frozen=True, slots=True)
class In:
    left: "Expression"
    items: tuple[Literal, ...]
    position: int = _position()


@dataclass(frozen=True, slots=True)
class And:
    terms: tuple["Expression", ...]
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Or:
    terms: tuple["Expression", ...]
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Not:
    operand: "Expression"
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Arithmetic:
    left: "Expression"
    operator: ArithmeticOperator
    right: "Expression"
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Negate:
    operand: "Expression"
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Call:
    function: Function
    arguments: tuple["Expression", ...]
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Like:
    """Whether a text is as a pattern with wildcards says; no text of `$filter` gives it, Dataverse's rules do."""

    operand: "Expression"
    pattern: str
    position: int = _position()


@dataclass(frozen=True, slots=True)
class IsMemberOfSegment:
    """The vendor's own condition on profiles."""

    name: str
    position: int = _position()


Expression = Literal | Column | Comparison | In | And | Or | Not | Arithmetic | Negate | Call | Like | IsMemberOfSegment


def walk(tree: Expression) -> Iterator[Expression]:
    """The tree and everything below it, a node before its operands."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(operands_of(node)))


def operands_of(node: Expression) -> tuple[Expression, ...]:
    """The expressions right below a node; the items of a list are literals and belong to the list."""
    match node:
        case And(terms) | Or(terms):
            return terms
        case Comparison(left, _, right) | Arithmetic(left, _, right):
            return left, right
        case Call(_, arguments):
            return arguments
        case Not(operand) | Negate(operand) | In(operand) | Like(operand):
            return (operand,)
        case _:
            return ()


def all_of(terms: Sequence[Expression]) -> Expression | None:
    """The condition that all of these together are."""
    if len(terms) < 2:
        return terms[0] if terms else None
    return And(tuple(terms))


def transform_conditions(tree: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """The tree with each condition that `and`, `or` and `not` join replaced by what `change` makes of it."""
    match tree:
        case And(terms):
            return replace(tree, terms=tuple(transform_conditions(term, change) for term in terms))
        case Or(terms):
            return replace(tree, terms=tuple(transform_conditions(term, change) for term in terms))
        case Not(operand):
            return replace(tree, operand=transform_conditions(operand, change))
        case _:
            return change(tree)


@dataclass(frozen=True, slots=True)
class OrderBy:
    expression: Expression
    descending: bool = False


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """One word as written; where hyphens split it is the matcher's business."""

    text: str


@dataclass(frozen=True, slots=True)
class SearchPhrase:
    """What stood between double quotes."""

    text: str


@dataclass(frozen=True, slots=True)
class SearchAnd:
    terms: tuple["Search", ...]


@dataclass(frozen=True, slots=True)
class SearchOr:
    terms: tuple["Search", ...]


@dataclass(frozen=True, slots=True)
class SearchNot:
    operand: "Search"


Search = SearchTerm | SearchPhrase | SearchAnd | SearchOr | SearchNot


@dataclass(frozen=True, slots=True)
class ExpandOptions:
    """What stood in parentheses after an expanded table; `select` is None for all columns."""

    filter: Expression | None = None
    select: tuple[str, ...] | None = None
    orderby: tuple[OrderBy, ...] = ()
    top: int | None = None
    skip: int | None = None
    count: bool = False
    expand: tuple["Expand", ...] = ()


@dataclass(frozen=True, slots=True)
class Expand:
    table: str
    options: ExpandOptions = ExpandOptions()
