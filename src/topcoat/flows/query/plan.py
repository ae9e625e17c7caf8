"""From the options of a read to what is asked of which table, checked against its columns (S24, S32)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from topcoat.core import catalog, errors
from topcoat.core.catalog import (
    CUSTOMER,
    CUSTOMER_ID,
    CUSTOMER_MEASURE,
    UNIFIED_ACTIVITY,
    Catalog,
    Document,
    Table,
    TableKind,
    shown,
)
from topcoat.core.odata import binding, evaluate, printer, syntax
from topcoat.core.odata.address import RecordAddress
from topcoat.core.odata.options import QueryOptions
from topcoat.core.odata.syntax import Expression, Operator, OrderBy, Search
from topcoat.store.led_profiles import SortKey

PAGE_DEFAULT: Final = 100
PAGE_MAX: Final = 1000
IDS_MAX: Final = 1000
NAVIGATIONS: Final = (UNIFIED_ACTIVITY, CUSTOMER_MEASURE)


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """`customer_ids` narrow the records to those customers, aliases not yet resolved; `filter` is the rest.

    `order` is of columns; `computed` stands instead of it where some of the keys are expressions.
    `select` is None for all columns, in the table's spelling otherwise; `expand` has a plan for each navigation.
    """

    table: Table
    customer_ids: tuple[str, ...] | None = None
    filter: Expression | None = None
    search: Search | None = None
    order: tuple[SortKey, ...] = ()
    computed: tuple[OrderBy, ...] = ()
    select: tuple[str, ...] | None = None
    expand: "tuple[ReadPlan, ...]" = ()
    top: int | None = None
    skip: int = 0
    is_counted: bool = False
    is_explained: bool = False
    has_standing: bool = False
    page_max: int | None = None
    as_of: datetime | None = None

    @property
    def page_size(self) -> int:
        """How many records one answer may hold."""
        if self.page_max is not None:
            return self.page_max if self.top is None else min(self.top, self.page_max)
        return PAGE_DEFAULT if self.top is None else min(self.top, PAGE_MAX)

    def shape(self, record: Document) -> Document:
        """The columns of a record that are asked for."""
        return record if self.select is None else {name: record[name] for name in self.select}


def plan_read(known: Catalog, address: RecordAddress, options: QueryOptions) -> ReadPlan:
    """Raise what is wrong with the options; the table read is that of the navigation where there is one."""
    table = known.get_table(address.table)
    if address.navigation is not None:
        return _plan(_navigated(known, table, address.navigation), options, known)
    planned = _plan(table, options, known)
    if address.key is None or address.key_column is None:
        return planned
    return _keyed(planned, address.key_column, address.key)


def plan_rows(table: Table, options: QueryOptions) -> ReadPlan:
    """The same for a table of customers' rows, which every catalog has."""
    return _plan(table, options, Catalog((table,)))


def narrowed(planned: ReadPlan, customer_ids: tuple[str, ...]) -> ReadPlan:
    """The plan for these customers; ids that it names itself become a condition like any other."""
    if planned.customer_ids is None:
        return replace(planned, customer_ids=customer_ids)
    if not planned.customer_ids:
        return planned
    named = syntax.In(syntax.Column(CUSTOMER_ID), tuple(map(syntax.String, planned.customer_ids)))
    both = named if planned.filter is None else syntax.And((named, planned.filter))
    return replace(planned, customer_ids=customer_ids, filter=both)


def parse_as_of(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return catalog.parse_instant(text.strip())
    except ValueError:
        expected = "an RFC 3339 date-time such as 2026-12-24T18:00:00Z"
        raise errors.ParameterInvalid(parameter="asOf", found=f"'{shown(text)}'", expected=expected) from None


def _plan(table: Table, options: QueryOptions, known: Catalog) -> ReadPlan:
    _refuse_documented(table, options)
    _refuse_misplaced(table, options)
    condition = _condition(table, options)
    keys = binding.bind_orderby(options.orderby, table)
    is_computed = any(not isinstance(key.expression, syntax.Column) for key in keys)
    ids, rest = _split_ids(condition) if table.kind is not TableKind.SOURCE else (None, condition)
    return ReadPlan(
        table=table,
        customer_ids=ids,
        filter=rest,
        search=options.search,
        order=() if is_computed else _sort_keys(table, keys),
        computed=_computed_keys(table, keys) if is_computed else (),
        select=_selected(table, options.select),
        expand=tuple(_expansion(known, table, expand) for expand in options.expand),
        top=options.top,
        skip=options.skip or 0,
        is_counted=options.count,
        is_explained=options.explain,
        has_standing=options.standing,
        page_max=options.page_size,
        as_of=parse_as_of(options.as_of),
    )


def _refuse_documented(table: Table, options: QueryOptions) -> None:
    """What the vendor's documentation rules out."""
    if table.kind is TableKind.SOURCE and options.filter is not None:
        reason = f"is not supported on {table.name}: the tables of data sources can be read, but not filtered"
        raise errors.OptionInvalid(option="$filter", reason=reason)
    if options.expand and options.search is not None:
        raise errors.OptionInvalid(option="$expand", reason="cannot be combined with $search")
    if options.expand and options.select is not None:
        raise errors.OptionInvalid(option="$expand", reason="cannot be combined with a $select of some columns")


def _refuse_misplaced(table: Table, options: QueryOptions) -> None:
    if table.kind is TableKind.CUSTOMER:
        return
    if table.kind is TableKind.SOURCE:
        refuse_unkept(table, "Reading")
        _refuse_other_orders(table, options.orderby)
    for option, is_given in {"$search": options.search is not None, "IsMemberOfSegment": options.segments}.items():
        if is_given:
            raise errors.OptionInvalid(option=option, reason=f"is not supported on {table.name}; {CUSTOMER} takes it")


def refuse_unkept(table: Table, what: str) -> None:
    """Raise `NotSupported` for a source table whose records the snapshot does not hold."""
    if table.kind is TableKind.SOURCE and not table.is_kept:
        hint = ": its environment file names no file of its records"
        raise errors.NotSupported(what=f"{what} {table.name}", hint=hint)


def _refuse_other_orders(table: Table, orderby: tuple[OrderBy, ...]) -> None:
    for key in binding.bind_orderby(orderby, table):
        if not isinstance(key.expression, syntax.Column) or key.expression.name != table.primary_key:
            reason = f"takes no other column of {table.name} than its key, {table.primary_key}"
            raise errors.OptionInvalid(option="$orderby", reason=reason)


def _condition(table: Table, options: QueryOptions) -> Expression | None:
    """The filter and the segments that stand beside it, which hold together."""
    terms: list[Expression] = [syntax.IsMemberOfSegment(segment) for segment in options.segments]
    if options.filter is not None:
        terms.insert(0, binding.bind_filter(options.filter, table))
    return syntax.all_of(terms)


def _split_ids(condition: Expression | None) -> tuple[tuple[str, ...] | None, Expression | None]:
    """The customers that the condition's terms name, and the terms that are left."""
    ids: tuple[str, ...] | None = None
    rest: list[Expression] = []
    for term in terms_of(condition):
        named = _named_ids(term)
        if named is None:
            rest.append(term)
        else:
            ids = named if ids is None else tuple(i for i in ids if i in named)
    return ids, syntax.all_of(rest)


def _named_ids(term: Expression) -> tuple[str, ...] | None:
    match term:
        case syntax.Comparison(syntax.Column(name=name), Operator.EQ, syntax.String(value)) if name == CUSTOMER_ID:
            return (value,)
        case syntax.Comparison(syntax.String(value), Operator.EQ, syntax.Column(name=name)) if name == CUSTOMER_ID:
            return (value,)
        case syntax.In(syntax.Column(name=name), items) if name == CUSTOMER_ID and len(items) <= IDS_MAX:
            return tuple(dict.fromkeys(item.value for item in items if isinstance(item, syntax.String)))
        case _:
            return None


def terms_of(condition: Expression | None) -> tuple[Expression, ...]:
    """The conditions that one is made of, all of which have to hold."""
    match condition:
        case None:
            return ()
        case syntax.And(terms):
            return tuple(inner for term in terms for inner in terms_of(term))
        case _:
            return (condition,)


def _sort_keys(table: Table, orderby: tuple[OrderBy, ...]) -> tuple[SortKey, ...]:
    """Of a column that is named twice the first counts."""
    keys: dict[str, SortKey] = {}
    for key in orderby:
        assert isinstance(key.expression, syntax.Column)
        column = table.columns_by_name[key.expression.name]
        keys.setdefault(column.name, SortKey(column, key.descending))
    return tuple(keys.values())


def _computed_keys(table: Table, orderby: tuple[OrderBy, ...]) -> tuple[OrderBy, ...]:
    """Ids settle ties, as everywhere, in the direction of the first key."""
    for key in orderby:
        is_column = isinstance(key.expression, syntax.Column)
        if not is_column and (table.kind is not TableKind.CUSTOMER or evaluate.uses_segments(key.expression)):
            what = f"$orderby={printer.print_expression(key.expression)} of {table.name}"
            raise errors.NotSupported(what=what, hint="; columns are")
    return (*orderby, OrderBy(syntax.Column(CUSTOMER_ID), orderby[0].descending))


def _selected(table: Table, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(dict.fromkeys(get_column_any_case(table, name).name for name in names))


def get_column_any_case(table: Table, name: str) -> catalog.Column:
    return table.find_column_any_case(name) or table.get_column(name)


def is_primary(table: Table, written: str) -> bool:
    """Whether a named key is the id itself."""
    return get_column_any_case(table, written).name == table.primary_key


def _navigated(known: Catalog, table: Table, navigation: str) -> Table:
    if table.kind is not TableKind.CUSTOMER or navigation not in NAVIGATIONS:
        expected = " and ".join(NAVIGATIONS) if table.kind is TableKind.CUSTOMER else "nothing"
        raise errors.TableNotFound(
            table=f"{table.name}('…')/{shown(navigation)}", suggestion=f" ({expected} can follow there)"
        )
    return known.get_table(navigation)


def _expansion(known: Catalog, table: Table, expand: syntax.Expand) -> ReadPlan:
    if table.kind is not TableKind.CUSTOMER or expand.table not in NAVIGATIONS:
        expected = f"{CUSTOMER} takes {' and '.join(NAVIGATIONS)}"
        reason = f"names {shown(expand.table)}, which is not supported on {table.name}; {expected}"
        raise errors.OptionInvalid(option="$expand", reason=reason)
    inner = expand.options
    options = QueryOptions(
        filter=inner.filter,
        select=inner.select,
        orderby=inner.orderby,
        top=inner.top,
        skip=inner.skip,
        count=inner.count,
        expand=inner.expand,
    )
    return _plan(known.get_table(expand.table), options, known)


def _keyed(planned: ReadPlan, written: str, key: str) -> ReadPlan:
    """A key that is named: the CustomerId or ActivityId itself, or an alternate key of a customer."""
    column = get_column_any_case(planned.table, written)
    if not column.is_key:
        expected = ", ".join(c.name for c in planned.table.columns if c.is_key)
        raise errors.OptionInvalid(option=column.name, reason=f"is no key of {planned.table.name}; expected {expected}")
    if column.name == planned.table.primary_key:
        return planned
    tree = syntax.Comparison(syntax.Column(column.name), Operator.EQ, syntax.String(key))
    bound = binding.bind_filter(tree, planned.table, option="the address")
    return replace(planned, filter=bound if planned.filter is None else syntax.And((bound, planned.filter)))
