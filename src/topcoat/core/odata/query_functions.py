"""Dataverse's query functions as conditions that are known already: `Microsoft.Dynamics.CRM.In(PropertyName='a',…)`.

Days, weeks, months and years are those of UTC; weeks begin on Sundays. Windows that reach to now have its instant in
them, the others leave out the instant at their end.
"""

import calendar
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from topcoat.core.odata import syntax
from topcoat.core.odata.syntax import Column, Expression, Function, Literal, Operator

NAMESPACE: Final = "Microsoft.Dynamics.CRM."
Window = tuple[datetime | None, datetime | None]
"""From the first on, and up to but not with the second."""

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)


def find_condition(name: str, column: Column, values: Sequence[Literal], *, now: datetime) -> Expression | None:
    """What a function says of a column; None where there is no function of that name that takes these values."""
    if name in _OF_VALUES and values:
        return _OF_VALUES[name](column, values)
    if name in _OF_TWO and len(values) == 2:
        return _OF_TWO[name](column, values)
    if name in _OF_ONE and len(values) == 1:
        return _OF_ONE[name](column, values[0])
    if name in _PERIODS and not values:
        return _within(column, _PERIODS[name](now))
    return _counted(name, column, values, now)


def list_functions() -> list[str]:
    return sorted([*_OF_VALUES, *_OF_TWO, *_OF_ONE, *_PERIODS, *_COUNTED])


def _counted(name: str, column: Column, values: Sequence[Literal], now: datetime) -> Expression | None:
    """Those that count periods back or ahead."""
    if name not in _COUNTED or len(values) != 1:
        return None
    number = _number(values[0])
    if number is None:
        return None
    try:
        return _within(column, _COUNTED[name](now, number))
    except (OverflowError, ValueError):
        return None


def _number(value: Literal) -> int | None:
    match value:
        case syntax.Integer(number) if number > 0:
            return number
        case syntax.String(text) if text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text):
            return int(text)
        case _:
            return None


def _within(column: Column, window: Window) -> Expression:
    first, last = window
    terms: list[Expression] = []
    if first is not None:
        terms.append(_compared(column, Operator.GE, syntax.DateTime(first)))
    if last is not None:
        terms.append(_compared(column, Operator.LT, syntax.DateTime(last)))
    return terms[0] if len(terms) == 1 else syntax.And(tuple(terms))


def _compared(column: Column, operator: Operator, value: Literal) -> Expression:
    return syntax.Comparison(column, operator, value, column.position)


def _among(column: Column, values: Sequence[Literal]) -> Expression:
    return syntax.In(column, tuple(values), column.position)


def _between(column: Column, values: Sequence[Literal]) -> Expression:
    first, last = values
    return syntax.And((_compared(column, Operator.GE, first), _compared(column, Operator.LE, last)))


def _contains_some(column: Column, values: Sequence[Literal]) -> Expression:
    found = tuple(_call(Function.CONTAINS, column, value) for value in values)
    return found[0] if len(found) == 1 else syntax.Or(found)


def _call(function: Function, column: Column, value: Literal) -> Expression:
    return syntax.Call(function, (column, value), column.position)


def _on(column: Column, value: Literal) -> Expression:
    day = _day_of(value)
    return _within(column, (day, day + _DAY)) if day else _compared(column, Operator.EQ, value)


def _on_or_before(column: Column, value: Literal) -> Expression:
    day = _day_of(value)
    return _within(column, (None, day + _DAY)) if day else _compared(column, Operator.LE, value)


def _on_or_after(column: Column, value: Literal) -> Expression:
    day = _day_of(value)
    return _within(column, (day, None)) if day else _compared(column, Operator.GE, value)


def _day_of(value: Literal) -> datetime | None:
    match value:
        case syntax.DateTime(instant):
            return _midnight(instant)
        case syntax.Date(day):
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        case _:
            return None


def _not(
    condition: Callable[[Column, Sequence[Literal]], Expression],
) -> Callable[[Column, Sequence[Literal]], Expression]:
    return lambda column, values: syntax.Not(condition(column, values), column.position)


_OF_VALUES: Final[Mapping[str, Callable[[Column, Sequence[Literal]], Expression]]] = {
    "In": _among,
    "NotIn": _not(_among),
    "ContainValues": _contains_some,
    "DoesNotContainValues": _not(_contains_some),
}
_OF_TWO: Final[Mapping[str, Callable[[Column, Sequence[Literal]], Expression]]] = {
    "Between": _between,
    "NotBetween": _not(_between),
}
_OF_ONE: Final[Mapping[str, Callable[[Column, Literal], Expression]]] = {
    "Contains": lambda column, value: _call(Function.CONTAINS, column, value),
    "DoesNotContain": lambda column, value: syntax.Not(_call(Function.CONTAINS, column, value), column.position),
    "BeginsWith": lambda column, value: _call(Function.STARTSWITH, column, value),
    "DoesNotBeginWith": lambda column, value: syntax.Not(_call(Function.STARTSWITH, column, value), column.position),
    "EndsWith": lambda column, value: _call(Function.ENDSWITH, column, value),
    "DoesNotEndWith": lambda column, value: syntax.Not(_call(Function.ENDSWITH, column, value), column.position),
    "On": _on,
    "NotOn": lambda column, value: syntax.Not(_on(column, value), column.position),
    "OnOrBefore": _on_or_before,
    "OnOrAfter": _on_or_after,
}


def _midnight(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def _hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)


def _sunday(instant: datetime) -> datetime:
    return _midnight(instant) - _DAY * (instant.isoweekday() % 7)


def _month(instant: datetime) -> datetime:
    return _midnight(instant).replace(day=1)


def _year(instant: datetime) -> datetime:
    return _month(instant).replace(month=1)


def _months_later(instant: datetime, months: int) -> datetime:
    """The same day of another month, or its last."""
    month = instant.year * 12 + instant.month - 1 + months
    year, month = divmod(month, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return instant.replace(year=year, month=month + 1, day=min(instant.day, last))


def _days(now: datetime, first: int, count: int) -> Window:
    start = _midnight(now) + _DAY * first
    return start, start + _DAY * count


def _weeks(now: datetime, first: int) -> Window:
    start = _sunday(now) + _WEEK * first
    return start, start + _WEEK


def _months(now: datetime, first: int) -> Window:
    start = _months_later(_month(now), first)
    return start, _months_later(start, 1)


def _years(now: datetime, first: int) -> Window:
    start = _months_later(_year(now), first * 12)
    return start, _months_later(start, 12)


_PERIODS: Final[Mapping[str, Callable[[datetime], Window]]] = {
    "Today": lambda now: _days(now, 0, 1),
    "Yesterday": lambda now: _days(now, -1, 1),
    "Tomorrow": lambda now: _days(now, 1, 1),
    "ThisWeek": lambda now: _weeks(now, 0),
    "LastWeek": lambda now: _weeks(now, -1),
    "NextWeek": lambda now: _weeks(now, 1),
    "ThisMonth": lambda now: _months(now, 0),
    "LastMonth": lambda now: _months(now, -1),
    "NextMonth": lambda now: _months(now, 1),
    "ThisYear": lambda now: _years(now, 0),
    "LastYear": lambda now: _years(now, -1),
    "NextYear": lambda now: _years(now, 1),
    "Last7Days": lambda now: _last(now, _midnight(now) - _DAY * 7),
    "Next7Days": lambda now: (now, _midnight(now) + _DAY * 8),
}

_MICROSECOND: Final = timedelta(microseconds=1)


def _last(now: datetime, first: datetime) -> Window:
    return first, now + _MICROSECOND


def _end_of_day(instant: datetime) -> datetime:
    return _midnight(instant) + _DAY


_COUNTED: Final[Mapping[str, Callable[[datetime, int], Window]]] = {
    "LastXHours": lambda now, x: _last(now, _hour(now - timedelta(hours=x))),
    "LastXDays": lambda now, x: _last(now, _midnight(now - _DAY * x)),
    "LastXWeeks": lambda now, x: _last(now, _midnight(now - _WEEK * x)),
    "LastXMonths": lambda now, x: _last(now, _midnight(_months_later(now, -x))),
    "LastXYears": lambda now, x: _last(now, _midnight(_months_later(now, -12 * x))),
    "NextXHours": lambda now, x: (now, _hour(now + timedelta(hours=x + 1))),
    "NextXDays": lambda now, x: (now, _end_of_day(now + _DAY * x)),
    "NextXWeeks": lambda now, x: (now, _end_of_day(now + _WEEK * x)),
    "NextXMonths": lambda now, x: (now, _end_of_day(_months_later(now, x))),
    "NextXYears": lambda now, x: (now, _end_of_day(_months_later(now, 12 * x))),
    "OlderThanXMinutes": lambda now, x: (None, now - timedelta(minutes=x)),
    "OlderThanXHours": lambda now, x: (None, now - timedelta(hours=x)),
    "OlderThanXDays": lambda now, x: (None, _midnight(now - _DAY * x)),
    "OlderThanXWeeks": lambda now, x: (None, _midnight(now - _WEEK * x)),
    "OlderThanXMonths": lambda now, x: (None, _midnight(_months_later(now, -x))),
    "OlderThanXYears": lambda now, x: (None, _midnight(_months_later(now, -12 * x))),
}
