"""Questions of every shape that binding accepts, about values that the drawn instances hold."""

import datetime
import decimal
import functools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import strategies as st

from tests.parity import worlds
from tests.parity.worlds import IDS, INSTANTS_ASKED, SEGMENTS
from topcoat.core.catalog import CUSTOMER_ID, Column, ColumnType, Table, TableKind, parse_instant
from topcoat.core.odata import printer, syntax
from topcoat.core.odata.syntax import ArithmeticOperator, Expression, Function, Literal, Operator, OrderBy
from topcoat.store.leads import Indexed

SEARCHED = ("Name", "City")
SEARCHES = ("paris", "PARIS", "zürich OR paris", "NOT paris", '"hi o"', "o AND NOT brien", "a b", "straße", "%")


@dataclass(frozen=True)
class Question:
    """`filter` is not bound yet; `of` names the profile at whose address the table is read."""

    table: Table
    filter: Expression | None = None
    order: tuple[OrderBy, ...] = ()
    top: int | None = None
    skip: int | None = None
    as_of: datetime.datetime | None = None
    search: str | None = None
    indexed: Indexed = field(default_factory=Indexed)
    of: str | None = None

    def options(self) -> Iterator[tuple[str, str]]:
        if self.filter is not None:
            yield "$filter", printer.print_expression(self.filter)
        if self.order:
            keys = ((printer.print_expression(key.expression), key.descending) for key in self.order)
            yield "$orderby", ",".join(f"{key} {'desc' if is_down else 'asc'}" for key, is_down in keys)
        for name in ("top", "skip", "search"):
            if (value := getattr(self, name)) is not None:
                yield f"${name}", str(value)
        if self.as_of is not None:
            yield "asOf", self.as_of.isoformat()


@st.composite
def questions(draw: st.DrawFn, table: Table) -> Question:
    """A composite, because Hypothesis prints any other strategy in full."""
    return draw(_questions(table))


@functools.cache
def _questions(table: Table) -> st.SearchStrategy[Question]:
    is_customer = table.kind is TableKind.CUSTOMER
    columns = [column.name for column in table.columns if not column.is_key]
    some = st.sets(st.sampled_from(columns)).map(frozenset)
    every = frozenset(columns)
    indexes = st.one_of(
        st.just(Indexed()),
        st.just(Indexed(every, every, has_tokens=True)),
        st.builds(Indexed, some, some, st.booleans()),
    )
    few = st.sampled_from((None, None, None, None, 0, 1, 2, 3, 4))
    return st.builds(
        Question,
        table=st.just(table),
        filter=filters(table) | filters(table) | st.none(),
        order=st.lists(st.builds(OrderBy, _sorted_by(table), st.booleans()), max_size=3).map(tuple),
        top=few,
        skip=few,
        as_of=st.none() | st.sampled_from(INSTANTS_ASKED),
        search=st.sampled_from((None,) * 20 + SEARCHES) if is_customer else st.none(),
        indexed=indexes if is_customer else st.just(Indexed()),
        of=st.none() if is_customer else st.sampled_from((*(None,) * len(IDS), *IDS)),
    )


@functools.cache
def filters(table: Table) -> st.SearchStrategy[Expression]:
    def larger(trees: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
        terms = st.lists(trees, min_size=2, max_size=3).map(tuple)
        return st.builds(syntax.And, terms) | st.builds(syntax.Or, terms) | st.builds(syntax.Not, trees)

    return st.recursive(conditions(table), larger, max_leaves=5)


@st.composite
def conditions(draw: st.DrawFn, table: Table) -> Expression:
    return draw(_conditions(table))


@functools.cache
def _conditions(table: Table) -> st.SearchStrategy[Expression]:
    kinds = [_comparisons, _comparisons, _lists, _texts, _texts, _between_columns, _computed, _identities]
    parts = [kind(table) for kind in kinds]
    if any(column.type is ColumnType.BOOLEAN for column in table.columns):
        parts.append(_truths(table))
    if table.kind is TableKind.CUSTOMER:
        parts.append(st.builds(syntax.IsMemberOfSegment, st.sampled_from(SEGMENTS)))
    plain = st.one_of(parts)
    compared = st.builds(
        syntax.Comparison, plain, st.sampled_from([Operator.EQ, Operator.NE]), st.booleans().map(syntax.Boolean)
    )
    return st.one_of(plain, plain, plain, plain, plain, compared)


@functools.cache
def literals(type_: ColumnType) -> st.SearchStrategy[Literal]:
    """Values of columns of the type, and such as lie between them."""
    values = worlds.VALUES[type_]
    match type_:
        case ColumnType.STRING:
            return st.builds(syntax.String, values) | st.just(syntax.Guid(uuid.UUID(int=10)))
        case ColumnType.INTEGER | ColumnType.DECIMAL:
            wholes = worlds.VALUES[ColumnType.INTEGER].map(syntax.Integer)
            floats = worlds.VALUES[ColumnType.DECIMAL].map(lambda number: decimal.Decimal(repr(number)))
            texts = [
                "0.1000000000000000055",
                "4611686018427387904.0",
                "4611686018427388000.0",
                "9223372036854775808",
                "2.5",
            ]
            return wholes | (floats | st.sampled_from(texts).map(decimal.Decimal)).map(syntax.Decimal)
        case ColumnType.BOOLEAN:
            return st.builds(syntax.Boolean, values)
        case ColumnType.DATE | ColumnType.DATE_TIME:
            days = worlds.VALUES[ColumnType.DATE].map(datetime.date.fromisoformat).map(syntax.Date)
            return days | worlds.VALUES[ColumnType.DATE_TIME].map(parse_instant).map(syntax.DateTime)


@functools.cache
def _columns(table: Table, *types: ColumnType) -> st.SearchStrategy[syntax.Column]:
    return st.sampled_from([syntax.Column(c.name) for c in table.columns if not types or c.type in types])


@functools.cache
def _operators(type_: ColumnType) -> st.SearchStrategy[Operator]:
    is_boolean = type_ is ColumnType.BOOLEAN
    return st.sampled_from([Operator.EQ, Operator.NE] if is_boolean else list(Operator))


def _sorted_by(table: Table) -> st.SearchStrategy[Expression]:
    """Expressions sort customers only; those that are the same of tables as they formerly were."""
    columns = _columns(table)
    if table.kind is not TableKind.CUSTOMER:
        return columns
    texts = st.sampled_from([syntax.Column(name) for name in SEARCHED])
    lengths = texts.map(lambda column: syntax.Call(Function.LENGTH, (column,)))
    folded = texts.map(lambda column: syntax.Call(Function.TOLOWER, (column,)))
    return st.one_of(columns, columns, columns, columns, lengths, folded, _identities(table))


def _comparisons(table: Table) -> st.SearchStrategy[Expression]:
    def of(column: Column) -> st.SearchStrategy[Expression]:
        sides = literals(column.type) | literals(column.type) | st.just(syntax.Null())
        name, operators = st.just(syntax.Column(column.name)), _operators(column.type)
        return st.builds(syntax.Comparison, name, operators, sides) | st.builds(
            syntax.Comparison, sides, operators, name
        )

    return st.one_of([of(column) for column in table.columns])


def _lists(table: Table) -> st.SearchStrategy[Expression]:
    def of(column: Column) -> st.SearchStrategy[Expression]:
        items = st.lists(literals(column.type) | st.just(syntax.Null()), min_size=1, max_size=3).map(tuple)
        return st.builds(syntax.In, st.just(syntax.Column(column.name)), items)

    return st.one_of([of(column) for column in table.columns])


def _texts(table: Table) -> st.SearchStrategy[Expression]:
    column = _columns(table, ColumnType.STRING)
    folded = st.builds(
        lambda function, name: syntax.Call(function, (name,)),
        st.sampled_from([Function.TOLOWER, Function.TOUPPER, Function.TRIM]),
        column,
    )
    pieces = worlds.VALUES[ColumnType.STRING].map(lambda text: syntax.String(text[:3])) | st.sampled_from(
        [syntax.String(text) for text in ("%", "_", "\\", "aris", "PARIS", "ß", "SS", "k", "İ", "'", "")]
    )
    searches = st.builds(
        lambda function, text, part: syntax.Call(function, (text, part)),
        st.sampled_from([Function.CONTAINS, Function.STARTSWITH, Function.ENDSWITH]),
        column | column | folded,
        pieces | pieces | column,
    )
    equal = st.builds(syntax.Comparison, folded, st.sampled_from(Operator), literals(ColumnType.STRING))
    return searches | searches | equal | _caseless(column)


def _caseless(column: st.SearchStrategy[syntax.Column]) -> st.SearchStrategy[Expression]:
    """As Dataverse compares: with patterns, and with lists of texts without their case."""
    folded = column.map(lambda name: syntax.Call(Function.TOLOWER, (name,)))
    parts = ("%", "%", "_", "p", "ARIS", "k", "\u212a", "ß", "İ", "é", "\\", "[a-p]", "[", "'", " ")
    patterns = st.lists(st.sampled_from(parts), max_size=5).map("".join)
    items = st.lists(literals(ColumnType.STRING), min_size=1, max_size=3).map(tuple)
    return st.builds(syntax.Like, folded | column, patterns) | st.builds(syntax.In, folded, items)


def _between_columns(table: Table) -> st.SearchStrategy[Expression]:
    def of(types: tuple[ColumnType, ...]) -> st.SearchStrategy[Expression]:
        column = _columns(table, *types)
        return st.builds(syntax.Comparison, column, _operators(types[0]), column)

    kinds = [
        (ColumnType.STRING,),
        (ColumnType.INTEGER, ColumnType.DECIMAL),
        (ColumnType.BOOLEAN,),
        (ColumnType.DATE, ColumnType.DATE_TIME),
    ]
    present = {column.type for column in table.columns}
    return st.one_of([of(types) for types in kinds if present.intersection(types)])


def _computed(table: Table) -> st.SearchStrategy[Expression]:
    """What SQL leaves to the core, for the most part."""
    text, small = _columns(table, ColumnType.STRING), st.integers(-2, 5).map(syntax.Integer)
    string = literals(ColumnType.STRING)
    counted = st.builds(lambda t: syntax.Call(Function.LENGTH, (t,)), text) | st.builds(
        lambda t, s: syntax.Call(Function.INDEXOF, (t, s)), text, string
    )
    made = st.builds(lambda t, s: syntax.Call(Function.CONCAT, (t, s)), text, text | string) | st.builds(
        lambda t, *rest: syntax.Call(Function.SUBSTRING, (t, *rest)), text, small, small
    )
    parts = [
        st.builds(syntax.Comparison, counted, st.sampled_from(Operator), small),
        st.builds(syntax.Comparison, small, st.sampled_from(Operator), counted),
        st.builds(syntax.Comparison, made, st.sampled_from(Operator), string),
    ]
    present = {column.type for column in table.columns}
    if ColumnType.INTEGER in present:
        number = _columns(table, ColumnType.INTEGER, ColumnType.DECIMAL)
        sums = st.builds(syntax.Arithmetic, number, st.sampled_from(ArithmeticOperator), number | small)
        parts.append(
            st.builds(syntax.Comparison, sums | number.map(syntax.Negate), st.sampled_from(Operator), number | small)
        )
    if ColumnType.DATE_TIME in present:
        instant = _columns(table, ColumnType.DATE_TIME)
        now = st.just(syntax.Call(Function.NOW, ()))
        days = instant.map(lambda column: syntax.Call(Function.DATE, (column,)))
        parts.append(st.builds(syntax.Comparison, instant, st.sampled_from(Operator), now))
        parts.append(st.builds(syntax.Comparison, days, st.sampled_from(Operator), literals(ColumnType.DATE)))
    return st.one_of(parts)


def _identities(table: Table) -> st.SearchStrategy[Expression]:
    """Conditions on the CustomerId, which aliases name as well."""
    column, name = syntax.Column(CUSTOMER_ID), st.sampled_from((*IDS, "nobody")).map(syntax.String)
    return st.one_of(
        st.builds(syntax.Comparison, st.just(column), st.sampled_from(Operator), name),
        st.builds(syntax.Comparison, name, st.sampled_from([Operator.EQ, Operator.NE]), st.just(column)),
        st.builds(syntax.In, st.just(column), st.lists(name, min_size=1, max_size=4).map(tuple)),
    )


def _truths(table: Table) -> st.SearchStrategy[Expression]:
    return _columns(table, ColumnType.BOOLEAN) | st.builds(syntax.Boolean, st.booleans())
