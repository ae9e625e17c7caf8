"""What is asked of a table: the options of a query in Dataverse's names, checked against its columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar

from topcoat.core import errors
from topcoat.core.catalog import shown
from topcoat.core.odata import dialect, parser, syntax
from topcoat.core.odata.options import QueryOptions
from topcoat.core.odata.parser import TOP_MAX
from topcoat.surfaces.dataverse.conditions import KeysOf, Translator, get_column, property_not_found
from topcoat.surfaces.dataverse.names import LOOKUP, DataverseColumn, DataverseTable, DataverseTables

EXPANSIONS_MAX: Final = 10

_Value = TypeVar("_Value")
_NO_KEYS: Final[tuple[syntax.OrderBy, ...]] = ()
_NO_EXPANDS: Final[tuple[syntax.Expand, ...]] = ()

_KNOWN: Final = ("$select", "$filter", "$orderby", "$top", "$expand", "$count", "$skiptoken")
_REFUSED: Final = ("$skip", "$search", "$format", "$levels", "$index", "$compute")
_NOT_YET: Final = ("$apply", "$deltatoken", "fetchXml", "sql", "savedQuery", "userQuery")


@dataclass(frozen=True, slots=True)
class Texts:
    """The options as they were written; `partition` narrows to the rows of one customer."""

    options: dict[str, str]
    aliases: dict[str, str]
    as_of: str | None = None
    partition: str | None = None


NO_TEXTS: Final = Texts({}, {})


@dataclass(frozen=True, slots=True)
class Question:
    """`options` are in our names; `shown` are the columns of an answer, in order."""

    table: DataverseTable
    options: QueryOptions
    shown: tuple[DataverseColumn, ...]
    expansions: "tuple[Expansion, ...]" = ()


@dataclass(frozen=True, slots=True)
class Expansion:
    """`navigation` is the member it becomes; rows of profiles are many, the profile of a row is one."""

    navigation: str
    question: Question

    @property
    def is_of_profile(self) -> bool:
        """Whether it leads from a row to its profile."""
        return self.question.table.is_profiles


def read_texts(items: Sequence[tuple[str, str]]) -> Texts:
    """Names are told apart by case, as Dataverse does; what is no option is nobody's business."""
    texts, aliases = dict[str, str](), dict[str, str]()
    as_of = partition = None
    for name, text in items:
        if name in _REFUSED:
            raise errors.OptionInvalid(option=f"The query parameter {name}", reason="is not supported")
        if name in _NOT_YET:
            raise errors.NotSupported(what=f"The query parameter {name}", hint=" for now")
        if name.startswith("@"):
            aliases[name] = text
        elif name.lower() == "partitionid":
            partition = text.strip("'")
        elif name == "asOf":
            as_of = text
        elif name in _KNOWN:
            if name in texts:
                raise errors.OptionInvalid(option=name, reason="is given twice; expected at most once")
            texts[name] = text
        elif name.startswith("$"):
            reason = f"is unknown; the options are {', '.join(_KNOWN)}"
            raise errors.OptionInvalid(option=shown(name), reason=reason)
    return Texts(texts, aliases, as_of, partition)


@dataclass(frozen=True, slots=True)
class Asker:
    """Makes questions; `now` is what relative dates are relative to."""

    tables: DataverseTables
    keys_of: KeysOf
    now: datetime

    def ask(self, table: DataverseTable, texts: Texts, *, page_size: int, skiptoken: str | None = None) -> Question:
        spoken = dialect.dataverse(self.now)
        given, aliases = texts.options, texts.aliases
        tree = _read(given, "$filter", lambda text: parser.parse_filter(text, aliases, dialect=spoken), None)
        keys = _read(given, "$orderby", lambda text: parser.parse_orderby(text, aliases, dialect=spoken), _NO_KEYS)
        expand = _read(given, "$expand", lambda text: parser.parse_expand(text, aliases, dialect=spoken), _NO_EXPANDS)
        options = QueryOptions(
            top=_read(given, "$top", lambda text: parser.parse_number(text, option="$top", maximum=TOP_MAX), None),
            count=_read(given, "$count", lambda text: parser.parse_boolean(text, option="$count"), False),  # noqa: FBT003 - the default
            skiptoken=skiptoken,
            as_of=texts.as_of,
            standing=True,
            page_size=page_size,
        )
        asked = self._asked(table, options, tree, keys, _read(given, "$select", parser.parse_select, None))
        return replace(asked, expansions=self._expansions(table, expand, (table.logical,), texts.as_of))

    def _asked(
        self,
        table: DataverseTable,
        options: QueryOptions,
        tree: syntax.Expression | None,
        keys: tuple[syntax.OrderBy, ...],
        select: tuple[str, ...] | None,
    ) -> Question:
        condition = None if tree is None else Translator(table, self.keys_of).translate(tree)
        ordering = Translator(table, self.keys_of, "$orderby")
        order = [key for key in map(ordering.order, keys) if key is not None]
        named = [table.columns[0]] if select else []
        named += [get_column(table, name) for name in select or ()]
        columns = tuple(dict.fromkeys(named)) or table.columns
        return Question(table, replace(options, filter=condition, orderby=tuple(order)), columns)

    def _expansions(
        self, table: DataverseTable, expands: tuple[syntax.Expand, ...], path: tuple[str, ...], as_of: str | None
    ) -> tuple[Expansion, ...]:
        if len(expands) > EXPANSIONS_MAX:
            raise errors.OptionInvalid(option="$expand", reason=f"names more than {EXPANSIONS_MAX} tables")
        return tuple(self._expansion(table, expand, path, as_of) for expand in expands)

    def _expansion(
        self, table: DataverseTable, expand: syntax.Expand, path: tuple[str, ...], as_of: str | None
    ) -> Expansion:
        inner = get_navigation(self.tables, table, expand.table)
        if inner.logical in path:
            raise errors.OptionInvalid(option="$expand", reason=f"leads back to {inner.logical}, where it came from")
        given = expand.options
        if given.skip is not None or given.count:
            raise errors.OptionInvalid(option="$expand", reason="takes $select, $filter, $orderby, $top and $expand")
        if inner.is_profiles and (given.filter is not None or given.orderby or given.top is not None):
            reason = f"takes $select and $expand for {expand.table}, which is one row"
            raise errors.OptionInvalid(option="$expand", reason=reason)
        options = QueryOptions(top=given.top, standing=True, as_of=as_of)
        asked = self._asked(inner, options, given.filter, given.orderby, given.select)
        further = self._expansions(inner, given.expand, (*path, inner.logical), as_of)
        return Expansion(expand.table, replace(asked, expansions=further))


def get_navigation(tables: DataverseTables, table: DataverseTable, name: str) -> DataverseTable:
    """Where a navigation of a table leads; raise `PropertyNotFound`."""
    found = find_navigation(tables, table, name)
    if found is None:
        raise property_not_found(table, name)
    return found


def find_navigation(tables: DataverseTables, table: DataverseTable, name: str) -> DataverseTable | None:
    if table.is_profiles:
        return next((rows for rows in tables.of_profiles if rows.relationship == name), None)
    return tables.profiles if name == LOOKUP else None


def _read(texts: dict[str, str], name: str, read: Callable[[str], _Value], default: _Value) -> _Value:
    text = texts.get(name)
    return default if text is None else read(text)
