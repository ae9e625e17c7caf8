"""Which descriptions are shown and what of them: `$filter`, `$select` and `$expand` over what they say themselves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from topcoat.core import errors
from topcoat.core.catalog import shown, suggestion
from topcoat.core.odata import binding, dialect, evaluate, parser, syntax
from topcoat.core.odata.evaluate import Subject
from topcoat.core.odata.syntax import Expression
from topcoat.surfaces.dataverse.metadata.shapes import ID, Description, Shape
from topcoat.surfaces.dataverse.names import NAMESPACE
from topcoat.surfaces.dataverse.questions import Texts

OF_SEVERAL: Final = ("$select", "$filter", "$expand")
OF_ONE: Final = ("$select", "$expand")

Condition = Callable[[Description], bool]


@dataclass(frozen=True, slots=True)
class Query:
    """`select` is None for all properties; `expand` has by navigation what is asked of what it leads to."""

    shape: Shape
    select: tuple[str, ...] | None = None
    condition: Condition | None = None
    expand: "Mapping[str, Query]" = field(default_factory=dict)

    def kept(self, descriptions: Iterable[Description]) -> list[Description]:
        return [one for one in descriptions if self.condition is None or self.condition(one)]

    def shown(self, description: Description) -> dict[str, Any]:
        """The id always is; a property that only another subtype has is left out."""
        properties = description.properties
        names = properties if self.select is None else [name for name in self.select if name in properties]
        is_subtype = description.shape is not self.shape
        row = {"@odata.type": f"#{NAMESPACE}.{description.shape.name}"} if is_subtype else {}
        row |= {name: properties[name] for name in (*names, ID)}
        for navigation, inner in self.expand.items():
            row[navigation] = inner._shown_related(description.related[navigation]())
        return row

    def _shown_related(self, found: Sequence[Description] | Description | None) -> Any:
        if found is None:
            return None
        if isinstance(found, Description):
            return self.shown(found)
        return [self.shown(one) for one in self.kept(found)]

    @property
    def columns(self) -> str:
        """What is shown, as contexts say it."""
        if self.select is None and not self.expand:
            return ""
        inner = [f"{name}{query.columns or '()'}" for name, query in self.expand.items()]
        return f"({','.join([*(self.select or ()), *inner])})"


def read_query(shape: Shape, texts: Texts, now: datetime) -> Query:
    """The query that options make; raise what is wrong with them."""
    given, aliases, spoken = texts.options, texts.aliases, dialect.DEFINITIONS
    tree = parser.parse_filter(given["$filter"], aliases, dialect=spoken) if "$filter" in given else None
    select = parser.parse_select(given["$select"]) if "$select" in given else None
    expand = parser.parse_expand(given["$expand"], aliases, dialect=spoken) if "$expand" in given else ()
    return _query(shape, select, tree, expand, now)


def _query(
    shape: Shape,
    select: tuple[str, ...] | None,
    tree: Expression | None,
    expand: Sequence[syntax.Expand],
    now: datetime,
) -> Query:
    check_names(shape, select or ())
    condition = None if tree is None else make_condition(shape, tree, now)
    inner = {one.table: _inner_query(shape, one, now) for one in expand}
    return Query(shape, None if select is None else tuple(dict.fromkeys(select)), condition, inner)


def _inner_query(shape: Shape, expand: syntax.Expand, now: datetime) -> Query:
    inner = shape.navigations.get(expand.table)
    if inner is None:
        raise _no_property(shape, expand.table, shape.navigations)
    given = expand.options
    if given.orderby or given.top is not None or given.skip is not None or given.count:
        reason = f"of {expand.table} takes {', '.join(OF_SEVERAL)}"
        raise errors.OptionInvalid(option="$expand", reason=reason)
    return _query(inner, given.select, given.filter, given.expand, now)


def check_names(shape: Shape, names: Iterable[str]) -> None:
    for name in names:
        if name not in shape.usual:
            raise _no_property(shape, name, shape.usual)


def make_condition(shape: Shape, tree: Expression, now: datetime, option: str = "$filter") -> Condition:
    """Names are told apart by case here, and so are strings."""
    names = evaluate.columns_of(tree)
    for name in names:
        if name not in shape.table.columns_by_name:
            raise _incomparable(shape, name, option)
    holds = evaluate.compile_filter(binding.bind_filter(tree, shape.table, option), shape.table)
    return lambda one: holds(Subject({name: one.value(name) for name in names}, now)) is True


def _incomparable(shape: Shape, name: str, option: str) -> errors.BadInput:
    if name in shape.usual:
        comparable = [path for path in shape.table.columns_by_name if path.startswith(f"{name}/")]
        hint = f"; expected {comparable[0]}" if comparable else ""
        return errors.OptionInvalid(option=option, reason=f"cannot compare {name}, which is no single value{hint}")
    return _no_property(shape, name, shape.table.columns_by_name)


def _no_property(shape: Shape, name: str, known: Iterable[str]) -> errors.PropertyNotFound:
    return errors.PropertyNotFound(
        column=shown(name), type=f"{NAMESPACE}.{shape.name}", suggestion=suggestion(name, known)
    )
