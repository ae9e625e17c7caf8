"""From the options of a read to what the store can answer; what it cannot yet is refused by name (S32)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from topcoat.core import errors
from topcoat.core.catalog import CUSTOMER, CUSTOMER_ID, UNIFIED_ACTIVITY, Catalog, Table, TableKind, shown
from topcoat.core.odata import printer, syntax
from topcoat.core.odata.address import RecordAddress
from topcoat.core.odata.options import QueryOptions
from topcoat.store.timelines import ActivityQuery, Comparison

PAGE_DEFAULT: Final = 100
PAGE_MAX: Final = 1000
IDS_MAX: Final = 1000
_COMING: Final = "; filters on keys, ActivityTime, ActivityType and ActivityTypeDisplay joined by `and` are"


@dataclass(frozen=True, slots=True)
class ProfilePlan:
    """Profiles by id, or all in the order of their ids where `customer_ids` is None."""

    customer_ids: tuple[str, ...] | None
    is_expanded: bool


@dataclass(frozen=True, slots=True)
class ActivityPlan:
    """Activities; `customer_ids` as the caller named them, aliases not yet resolved."""

    customer_ids: tuple[str, ...] | None
    query: ActivityQuery


Plan = ProfilePlan | ActivityPlan


def plan_read(catalog: Catalog, address: RecordAddress, options: QueryOptions) -> tuple[Table, Plan]:
    """The table that the address begins with, and how to read what it asks for."""
    table = catalog.get_table(address.table)
    if address.is_count:
        raise errors.NotSupported(what="/$count", hint=" yet")
    if address.key_column is not None and _column_name(table, address.key_column) != table.primary_key:
        raise errors.NotSupported(what=f"Reading {table.name} by {address.key_column}", hint=" yet")
    if table.kind is TableKind.UNIFIED_ACTIVITY and address.navigation is None:
        return table, plan_activities(table, options)
    if table.kind is not TableKind.CUSTOMER:
        raise errors.NotSupported(what=f"Reading {table.name}", hint=" yet")
    if address.navigation is None:
        return table, plan_profiles(table, options)
    if address.navigation != UNIFIED_ACTIVITY:
        raise errors.NotSupported(what=f"{CUSTOMER}('…')/{shown(address.navigation)}", hint=" yet")
    return table, plan_activities(catalog.get_table(UNIFIED_ACTIVITY), options)


def plan_profiles(table: Table, options: QueryOptions) -> ProfilePlan:
    _refuse_unsupported(options)
    if options.orderby:
        raise errors.NotSupported(what=f"$orderby on {CUSTOMER}", hint=" yet; profiles come in the order of CustomerId")
    ids: tuple[str, ...] | None = None
    for term in _terms(options.filter):
        ids = narrowed(ids, _ids(table, CUSTOMER_ID, term))
    return ProfilePlan(ids, _is_expanded(options))


def plan_activities(table: Table, options: QueryOptions) -> ActivityPlan:
    _refuse_unsupported(options)
    if options.expand:
        raise errors.OptionInvalid(option="$expand", reason=f"names nothing that {UNIFIED_ACTIVITY} has")
    plan = ActivityPlan(None, ActivityQuery(is_descending=_is_descending(table, options)))
    for term in _terms(options.filter):
        plan = _with_term(table, plan, term)
    return plan


def selected_columns(table: Table, options: QueryOptions) -> tuple[str, ...] | None:
    """The columns to show, spelled as the table spells them; None for all."""
    if options.select is None:
        return None
    return tuple(_column_name(table, name) for name in options.select)


def page_size(options: QueryOptions) -> int:
    """How many records one answer may hold."""
    return PAGE_DEFAULT if options.top is None else min(options.top, PAGE_MAX)


def _refuse_unsupported(options: QueryOptions) -> None:
    _refuse_documented(options)
    unsupported = {
        "$count": options.count,
        "$search": options.search is not None,
        "IsMemberOfSegment": bool(options.segments),
        "asOf": options.as_of is not None,
        "explain": options.explain,
    }
    for name, is_asked in unsupported.items():
        if is_asked:
            raise errors.NotSupported(what=name, hint=" yet")


def _refuse_documented(options: QueryOptions) -> None:
    """Combinations that the vendor's documentation rules out."""
    if options.expand and options.search is not None:
        raise errors.OptionInvalid(option="$expand", reason="cannot be combined with $search")
    if options.expand and options.select is not None:
        raise errors.OptionInvalid(option="$expand", reason="cannot be combined with a $select of some columns")


def _is_expanded(options: QueryOptions) -> bool:
    for expand in options.expand:
        if expand.table != UNIFIED_ACTIVITY:
            raise errors.NotSupported(what=f"$expand={expand.table}", hint=f" yet; {UNIFIED_ACTIVITY} is")
        if expand.options != syntax.ExpandOptions():
            raise errors.NotSupported(what="Options inside $expand", hint=" yet")
    return bool(options.expand)


def _is_descending(table: Table, options: QueryOptions) -> bool:
    """Newest first unless asked otherwise (S17)."""
    match options.orderby:
        case ():
            return True
        case (syntax.OrderBy(expression=syntax.Column(name=name), descending=descending),) if (
            _column_name(table, name) == "ActivityTime"
        ):
            return descending
        case _:
            raise errors.NotSupported(what="This $orderby", hint=" yet; $orderby=ActivityTime asc or desc is")


def _terms(tree: syntax.Expression | None) -> Iterator[syntax.Expression]:
    """The conditions that hold together."""
    if isinstance(tree, syntax.And):
        for term in tree.terms:
            yield from _terms(term)
    elif tree is not None:
        yield tree


def _with_term(table: Table, plan: ActivityPlan, term: syntax.Expression) -> ActivityPlan:
    query = plan.query
    match _compared_column(table, term):
        case "CustomerId":
            return replace(plan, customer_ids=narrowed(plan.customer_ids, _ids(table, CUSTOMER_ID, term)))
        case "ActivityId":
            ids = narrowed(query.activity_ids, _ids(table, "ActivityId", term))
            return replace(plan, query=replace(query, activity_ids=ids))
        case "ActivityTime":
            return replace(plan, query=replace(query, times=(*query.times, _time(term))))
        case "ActivityType":
            return replace(plan, query=replace(query, types=(*query.types, _equal_text(term))))
        case "ActivityTypeDisplay":
            return replace(plan, query=replace(query, displays=(*query.displays, _equal_text(term))))
        case _:
            raise _unsupported(term)


def _compared_column(table: Table, term: syntax.Expression) -> str | None:
    """The column on the left of a comparison with literals; None for any other condition."""
    match term:
        case syntax.Comparison(left=syntax.Column(name=name)) | syntax.In(left=syntax.Column(name=name)):
            return _column_name(table, name)
        case _:
            return None


def _ids(table: Table, column: str, term: syntax.Expression) -> tuple[str, ...]:
    if _compared_column(table, term) != column:
        raise _unsupported(term)
    match term:
        case syntax.Comparison(operator=syntax.Operator.EQ, right=syntax.String(value=value)):
            return (value,)
        case syntax.In(items=items) if all(isinstance(item, syntax.String) for item in items):
            if len(items) > IDS_MAX:
                raise errors.OptionInvalid(option="$filter", reason=f"lists more than {IDS_MAX} ids")
            return tuple(dict.fromkeys(item.value for item in items if isinstance(item, syntax.String)))
        case _:
            raise _unsupported(term)


def narrowed(ids: tuple[str, ...] | None, more: tuple[str, ...]) -> tuple[str, ...]:
    """The ids that are in both; None stands for all."""
    return more if ids is None else tuple(i for i in ids if i in more)


def _time(term: syntax.Expression) -> tuple[Comparison, datetime]:
    match term:
        case syntax.Comparison(operator=operator, right=syntax.DateTime(value=value)):
            return Comparison(operator.value), value
        case _:
            raise errors.OptionInvalid(
                option="$filter",
                reason="compares ActivityTime with something that is no date-time such as 2026-12-24T18:00:00Z",
            )


def _equal_text(term: syntax.Expression) -> str:
    match term:
        case syntax.Comparison(operator=syntax.Operator.EQ, right=syntax.String(value=value)):
            return value
        case _:
            raise _unsupported(term)


def _column_name(table: Table, name: str) -> str:
    column = table.find_column_any_case(name)
    if column is None:
        table.get_column(name)
        raise AssertionError  # the line before raised
    return column.name


def _unsupported(term: syntax.Expression) -> errors.NotSupported:
    return errors.NotSupported(what=f"The condition {printer.print_expression(term)}", hint=" yet" + _COMING)
