"""From the text of each option to its tree; errors name the option and the place in its text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from topcoat.core import errors
from topcoat.core.odata.dialect import CUSTOMER_INSIGHTS, Dialect
from topcoat.core.odata.expressions import ExpressionParser
from topcoat.core.odata.lexer import SEARCH_TOKENS, Cursor, Kind
from topcoat.core.odata.search import SearchParser
from topcoat.core.odata.syntax import Expand, ExpandOptions, Expression, OrderBy, Search

TOP_MAX: Final = 2**31 - 1
SKIP_MAX: Final = 100_000
NAMES_MAX: Final = 1000
ORDER_KEYS_MAX: Final = 32
EXPAND_DEPTH_MAX: Final = 5

Aliases = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Scope:
    """What holds for every expression of a query: its `@name` items, and the dialect it is in."""

    aliases: Aliases
    dialect: Dialect

    def read(self, cursor: Cursor) -> Expression:
        return ExpressionParser(cursor, self.aliases, self.dialect).read()


def parse_filter(
    text: str, aliases: Aliases | None = None, *, option: str = "$filter", dialect: Dialect = CUSTOMER_INSIGHTS
) -> Expression:
    """`aliases` are the query's `@name` items, names with the `@`."""
    cursor = Cursor(text, option, tokens=dialect.tokens)
    tree = _Scope(aliases or {}, dialect).read(cursor)
    cursor.expect_end("an operator")
    return tree


def parse_orderby(
    text: str, aliases: Aliases | None = None, *, dialect: Dialect = CUSTOMER_INSIGHTS
) -> tuple[OrderBy, ...]:
    cursor = Cursor(text, "$orderby", tokens=dialect.tokens)
    keys = _read_orderby(cursor, _Scope(aliases or {}, dialect))
    cursor.expect_end("an operator, ','")
    return keys


def parse_select(text: str) -> tuple[str, ...] | None:
    """The names of columns as written; None for all of them."""
    cursor = Cursor(text, "$select")
    names = _read_select(cursor)
    cursor.expect_end("','")
    return names


def parse_search(text: str) -> Search:
    cursor = Cursor(text, "$search", tokens=SEARCH_TOKENS)
    tree = SearchParser(cursor).read()
    cursor.expect_end("a word")
    return tree


def parse_expand(
    text: str, aliases: Aliases | None = None, *, dialect: Dialect = CUSTOMER_INSIGHTS
) -> tuple[Expand, ...]:
    cursor = Cursor(text, "$expand", tokens=dialect.tokens)
    expands = _read_expand(cursor, _Scope(aliases or {}, dialect))
    cursor.expect_end("','")
    return expands


def parse_number(text: str, *, option: str, maximum: int) -> int:
    cursor = Cursor(text, option)
    number = _read_number(cursor, maximum)
    cursor.expect_end("nothing more")
    return number


def parse_boolean(text: str, *, option: str) -> bool:
    cursor = Cursor(text, option)
    value = _read_boolean(cursor)
    cursor.expect_end("nothing more")
    return value


def _read_orderby(cursor: Cursor, scope: _Scope) -> tuple[OrderBy, ...]:
    keys: list[OrderBy] = []
    while not keys or cursor.skip(","):
        if len(keys) == ORDER_KEYS_MAX:
            raise _too_many(cursor, "keys", ORDER_KEYS_MAX)
        expression = scope.read(cursor)
        direction = cursor.text.lower()
        if direction in ("asc", "desc"):
            cursor.advance()
        keys.append(OrderBy(expression, direction == "desc"))
    return tuple(keys)


def _read_select(cursor: Cursor) -> tuple[str, ...] | None:
    names: list[str] = []
    while not names or cursor.skip(","):
        if len(names) == NAMES_MAX:
            raise _too_many(cursor, "names", NAMES_MAX)
        if cursor.text != "*" and cursor.kind is not Kind.NAME:
            raise cursor.failure("the name of a column or '*'")
        names.append(cursor.text)
        cursor.advance()
    return None if "*" in names else tuple(names)


def _read_expand(cursor: Cursor, scope: _Scope) -> tuple[Expand, ...]:
    cursor.descend(EXPAND_DEPTH_MAX)
    expands: list[Expand] = []
    while not expands or cursor.skip(","):
        if cursor.kind is not Kind.NAME:
            raise cursor.failure("the name of a table")
        table = cursor.text
        if any(expand.table == table for expand in expands):
            raise cursor.failure("each table once")
        cursor.advance()
        expands.append(Expand(table, _read_expand_options(cursor, scope)))
    cursor.ascend()
    return tuple(expands)


def _read_expand_options(cursor: Cursor, scope: _Scope) -> ExpandOptions:
    options = ExpandOptions()
    if not cursor.skip("("):
        return options
    given: set[str] = set()
    while not given or cursor.skip(";"):
        name = _read_option_name(cursor, given)
        given.add(name)
        options = _READERS[name](cursor, scope, options)
    if not cursor.skip(")"):
        raise cursor.failure("';' or ')'")
    return options


def _read_option_name(cursor: Cursor, given: set[str]) -> str:
    """The name of an option and its `=`, stepped over; with or without the dollar."""
    name = cursor.text.removeprefix("$").lower()
    if name in _UNSUPPORTED:
        raise errors.NotSupported(what=f"${name} inside $expand", hint="")
    if name not in _READERS:
        raise cursor.failure("one of the options " + ", ".join(f"${known}" for known in _READERS))
    if name in given:
        raise cursor.failure("each option once")
    cursor.advance()
    cursor.expect("=")
    return name


_READERS: Final[dict[str, Callable[[Cursor, _Scope, ExpandOptions], ExpandOptions]]] = {
    "filter": lambda cursor, scope, o: replace(o, filter=scope.read(cursor)),
    "select": lambda cursor, _, o: replace(o, select=_read_select(cursor)),
    "orderby": lambda cursor, scope, o: replace(o, orderby=_read_orderby(cursor, scope)),
    "top": lambda cursor, _, o: replace(o, top=_read_number(cursor, TOP_MAX)),
    "skip": lambda cursor, _, o: replace(o, skip=_read_number(cursor, SKIP_MAX)),
    "count": lambda cursor, _, o: replace(o, count=_read_boolean(cursor)),
    "expand": lambda cursor, scope, o: replace(o, expand=_read_expand(cursor, scope)),
}
_UNSUPPORTED: Final = frozenset({"search", "levels", "compute", "apply"})


def _read_number(cursor: Cursor, maximum: int) -> int:
    digits = cursor.text.lstrip("0") or "0"
    if cursor.kind is not Kind.INTEGER or len(digits) > len(str(maximum)) or not 0 <= int(digits) <= maximum:
        raise cursor.failure(f"a whole number from 0 to {maximum}")
    cursor.advance()
    return int(digits)


def _read_boolean(cursor: Cursor) -> bool:
    word = cursor.text.lower()
    if word not in ("true", "false"):
        raise cursor.failure("true or false")
    cursor.advance()
    return word == "true"


def _too_many(cursor: Cursor, what: str, maximum: int) -> errors.QuerySyntaxError:
    return cursor.failure_at(cursor.position, found=f"more than {maximum} {what}", expected=f"at most {maximum}")
