"""The options of one read, from the items of its query."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from topcoat.core import errors
from topcoat.core.catalog import shown
from topcoat.core.odata import parser, syntax
from topcoat.core.odata.expressions import SEGMENT_FUNCTION
from topcoat.core.odata.parser import SKIP_MAX, TOP_MAX
from topcoat.core.odata.syntax import Expand, Expression, OrderBy, Search

SEGMENTS_MAX: Final = 32

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """`select` is None for all columns; `as_of` is as the caller wrote it; `segments` come beside the filter.

    `page_size` bounds a page from outside of the question, and `standing` asks when what is live began and lapses.
    """

    filter: Expression | None = None
    select: tuple[str, ...] | None = None
    orderby: tuple[OrderBy, ...] = ()
    top: int | None = None
    skip: int | None = None
    skiptoken: str | None = None
    count: bool = False
    search: Search | None = None
    expand: tuple[Expand, ...] = ()
    segments: tuple[str, ...] = ()
    force_search: bool = False
    proxy: bool = False
    as_of: str | None = None
    explain: bool = False
    standing: bool = False
    page_size: int | None = None


_KNOWN: Final = ("$count", "$expand", "$filter", "$orderby", "$search", "$select", "$skip", "$skiptoken", "$top")
_UNSUPPORTED: Final = {
    "$format": "; answers are application/json",
    "$apply": "",
    "$compute": "",
}
_PLAIN: Final = ("forceSearch", "proxy", "asOf", "explain")
_NAMES: Final = (
    {name.lower(): name for name in (*_KNOWN, *_UNSUPPORTED, *_PLAIN)}
    # The vendor publishes addresses whose options lack the dollar, and OData 4.01 allows them.
    | {name[1:]: name for name in (*_KNOWN, *_UNSUPPORTED)}
)


def parse_options(items: Sequence[tuple[str, str]]) -> QueryOptions:
    """Read decoded names and values; what is neither an option nor looks like one is ignored, as OData says."""
    given = _collect(items)
    aliases = given.aliases
    return QueryOptions(
        filter=given.read("$filter", lambda text: parser.parse_filter(text, aliases), None),
        select=given.read("$select", parser.parse_select, None),
        orderby=given.read("$orderby", lambda text: parser.parse_orderby(text, aliases), ()),
        top=given.read("$top", lambda text: parser.parse_number(text, option="$top", maximum=TOP_MAX), None),
        skip=given.read("$skip", lambda text: parser.parse_number(text, option="$skip", maximum=SKIP_MAX), None),
        skiptoken=given.texts.get("$skiptoken"),
        count=given.read_boolean("$count"),
        search=given.read("$search", parser.parse_search, None),
        expand=given.read("$expand", lambda text: parser.parse_expand(text, aliases), ()),
        segments=tuple(map(_parse_segment, given.segments)),
        force_search=given.read_boolean("forceSearch"),
        proxy=given.read_boolean("proxy"),
        as_of=given.texts.get("asOf"),
        explain=given.read_boolean("explain"),
    )


@dataclass(frozen=True, slots=True)
class _Given:
    """The texts by the names that options have in the docs, whichever way the caller wrote them."""

    texts: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    segments: list[str] = field(default_factory=list)

    def read(self, name: str, parse: Callable[[str], _Value], default: _Value) -> _Value:
        text = self.texts.get(name)
        return default if text is None else parse(text)

    def read_boolean(self, name: str) -> bool:
        return self.read(name, lambda text: parser.parse_boolean(text, option=name), False)  # noqa: FBT003 - the default


def _collect(items: Sequence[tuple[str, str]]) -> _Given:
    given = _Given()
    for written, text in items:
        name = written.strip()
        known = _NAMES.get(name.lower())
        if known is not None:
            _put(given.texts, known, text)
        elif name.startswith("@"):
            _put(given.aliases, name, text)
        elif name.lower().startswith(SEGMENT_FUNCTION.lower()):
            given.segments.append(f"{name}={text}" if text else name)
        elif name.startswith("$"):
            raise errors.OptionInvalid(option=shown(name), reason=f"is unknown; the options are {', '.join(_KNOWN)}")
    _refuse_unsupported(given)
    return given


def _put(texts: dict[str, str], name: str, text: str) -> None:
    if name in texts:
        raise errors.OptionInvalid(option=shown(name), reason="is given twice; expected at most once")
    texts[name] = text


def _refuse_unsupported(given: _Given) -> None:
    for name, hint in _UNSUPPORTED.items():
        if name in given.texts:
            raise errors.NotSupported(what=name, hint=hint)
    if len(given.segments) > SEGMENTS_MAX:
        raise errors.OptionInvalid(option=SEGMENT_FUNCTION, reason=f"is given more than {SEGMENTS_MAX} times")


def _parse_segment(text: str) -> str:
    """The segment of a condition that the vendor's examples glue on as an item of its own."""
    condition = parser.parse_filter(text, option=SEGMENT_FUNCTION)
    if not isinstance(condition, syntax.IsMemberOfSegment):
        reason = "is not alone; write other conditions into $filter"
        raise errors.OptionInvalid(option=SEGMENT_FUNCTION, reason=reason)
    return condition.name
