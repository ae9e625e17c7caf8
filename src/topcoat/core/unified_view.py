"""Which columns the profiles get from the tables of customers, and what cannot be asked for."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from topcoat.core import catalog
from topcoat.core.catalog import CUSTOMER_ID, PREVIOUS_CUSTOMER_ID, ColumnType, Table
from topcoat.core.unification import ColumnGroup, ColumnPolicy, SourceColumn, UnifiedColumn

Fault = tuple[tuple[str | int, ...], str]

BY_IMPORTANCE: Final = ColumnPolicy()
_INSTANTS: Final = (ColumnType.DATE_TIME, ColumnType.DATE)
_JOINED: Final = (ColumnType.STRING, ColumnType.INTEGER)
_NUMBERS: Final = {ColumnType.INTEGER, ColumnType.DECIMAL}


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """How a column is made: of `sources`, by joining other columns, or else of the tables' columns of its name."""

    name: str
    sources: tuple[SourceColumn, ...] = ()
    policy: ColumnPolicy = BY_IMPORTANCE
    join: tuple[str, ...] = ()


def unified_columns(
    tables: Sequence[Table], choices: Sequence[ColumnChoice], excluded: Collection[str]
) -> tuple[UnifiedColumn, ...]:
    """Columns as they first appear in the tables, which come in the order of importance; then the joined ones.

    What was not chosen is combined by name. Primary keys are not: each is an alternate key of its own.
    """
    chosen = {choice.name: choice for choice in choices}
    made = (
        UnifiedColumn(name, _type(_types(tables, sources)), sources, chosen.get(name, ColumnChoice(name)).policy)
        for name, sources in _sources(tables, choices).items()
    )
    joined = (UnifiedColumn(choice.name, ColumnType.STRING, join=choice.join) for choice in choices if choice.join)
    return tuple(column for column in (*made, *joined) if column.name not in excluded)


def find_faults(
    tables: Sequence[Table],
    choices: Sequence[ColumnChoice],
    groups: Sequence[ColumnGroup],
    excluded: Sequence[str],
) -> Iterator[Fault]:
    """What is wrong, at its place in the section on unification."""
    faults = [fault for choice in choices for fault in _choice_faults(tables, choices, choice)]
    if faults:  # what follows takes the choices for sound
        yield from faults
        return
    sources = _sources(tables, choices)
    yield from _name_faults([*sources, *(choice.name for choice in choices)], tables, choices, excluded)
    yield from _type_faults(sources, tables, choices)
    known = (*sources, *(choice.name for choice in choices if choice.join))
    for index, name in enumerate(excluded):
        if name not in known:
            yield ("exclude", index), _no_column(name, known)
    columns = {column.name: column for column in unified_columns(tables, choices, excluded)}
    for choice in choices:
        yield from _join_faults(choice, columns)
    yield from _group_faults(tables, groups, columns)


def _sources(tables: Sequence[Table], choices: Sequence[ColumnChoice]) -> dict[str, tuple[SourceColumn, ...]]:
    """Of every column that is not joined, in the order of first appearance."""
    explicit = {choice.name: choice.sources for choice in choices if choice.sources}
    joined = {choice.name for choice in choices if choice.join}
    takers: dict[SourceColumn, list[str]] = {}
    for name, sources in explicit.items():
        for source in sources:
            takers.setdefault(source, []).append(name)
    found: dict[str, list[SourceColumn]] = {}
    for table in tables:
        for column in table.columns:
            source = SourceColumn(table.name, column.name)
            is_free = source not in takers and column.name not in joined and column.name != table.primary_key
            for name in takers.get(source, [column.name] if is_free and column.name not in explicit else []):
                found.setdefault(name, []).append(source)
    return {name: explicit.get(name, tuple(sources)) for name, sources in found.items()}


def _types(tables: Sequence[Table], sources: Sequence[SourceColumn]) -> list[ColumnType]:
    by_name = {table.name: table for table in tables}
    return [by_name[table].columns_by_name[column].type for table, column in sources]


def _type(types: Sequence[ColumnType]) -> ColumnType:
    """Integers beside decimals become decimals."""
    return ColumnType.DECIMAL if len(set(types)) > 1 else types[0]


def _choice_faults(tables: Sequence[Table], choices: Sequence[ColumnChoice], choice: ColumnChoice) -> Iterator[Fault]:
    place = ("columns", choice.name)
    if choice.join and (choice.sources or choice.policy != BY_IMPORTANCE):
        yield (*place, "join"), "found it beside sources or policy, expected it alone"
    for source in choice.sources:
        yield from _column_faults((*place, "sources", source.table), tables, source)
    if not choice.join and not choice.sources and choice.name not in _sources(tables, choices):
        yield place, f"no table of customers has a column '{choice.name}' for it, expected its sources"
    yield from _policy_faults(place, tables, choice.policy)


def _policy_faults(place: tuple[str | int, ...], tables: Sequence[Table], policy: ColumnPolicy) -> Iterator[Fault]:
    for table, column in policy.by.items():
        by_place = (*place, "policy", policy.kind.value, table)
        yield from _column_faults(by_place, tables, SourceColumn(table, column), _INSTANTS)


def _column_faults(
    place: tuple[str | int, ...],
    tables: Sequence[Table],
    source: SourceColumn,
    types: Sequence[ColumnType] = tuple(ColumnType),
) -> Iterator[Fault]:
    by_name = {table.name: table for table in tables}
    table = by_name.get(source.table)
    if table is None:
        yield place, f"'{source.table}' is no table of customers{catalog.suggestion(source.table, by_name)}"
        return
    column = table.columns_by_name.get(source.column)
    if column is None:
        hint = catalog.suggestion(source.column, table.columns_by_name)
        yield place, f"table {table.name} has no column '{source.column}'{hint}"
    elif column.type not in types:
        yield place, f"column {column.name} is of type {column.type.value}, expected {_either(types)}"


def _name_faults(
    names: Sequence[str], tables: Sequence[Table], choices: Sequence[ColumnChoice], excluded: Collection[str]
) -> Iterator[Fault]:
    own = {
        CUSTOMER_ID,
        PREVIOUS_CUSTOMER_ID,
        *(catalog.alternate_key(table.name, table.primary_key) for table in tables),
    }
    known = {name.lower(): name for name in own}
    for name in dict.fromkeys(name for name in names if name not in excluded):
        other = known.setdefault(name.lower(), name)
        if other in own:
            reason = f"column {name} has a name that profiles use themselves; exclude it, or name it otherwise"
            yield _place(name, choices), reason
        elif other != name:
            yield _place(name, choices), f"column {name} differs from {other} in case alone, expected another name"


def _type_faults(
    sources: Mapping[str, tuple[SourceColumn, ...]], tables: Sequence[Table], choices: Sequence[ColumnChoice]
) -> Iterator[Fault]:
    for name, of in sources.items():
        types = _types(tables, of)
        if len(set(types)) > 1 and set(types) != _NUMBERS:
            found = ", ".join(f"{type_.value} in {table}" for type_, (table, _) in zip(types, of, strict=True))
            yield _place(name, choices), f"column {name} is {found}; expected one type, or columns of their own"


def _place(name: str, choices: Sequence[ColumnChoice]) -> tuple[str | int, ...]:
    return ("columns", name) if any(choice.name == name for choice in choices) else ("tables",)


def _join_faults(choice: ColumnChoice, columns: Mapping[str, UnifiedColumn]) -> Iterator[Fault]:
    for index, name in enumerate(choice.join):
        place = ("columns", choice.name, "join", index)
        if name not in columns:
            yield place, _no_column(name, columns)
        elif columns[name].join:
            yield place, f"column {name} is joined itself, expected one that is made of source columns"
        elif columns[name].type not in _JOINED:
            yield place, f"column {name} is of type {columns[name].type.value}, expected {_either(_JOINED)}"


def _group_faults(
    tables: Sequence[Table], groups: Sequence[ColumnGroup], columns: Mapping[str, UnifiedColumn]
) -> Iterator[Fault]:
    grouped: set[str] = set()
    for index, group in enumerate(groups):
        yield from _policy_faults(("groups", index), tables, group.policy)
        for position, name in enumerate(group.columns):
            place = ("groups", index, "columns", position)
            if name not in columns:
                yield place, _no_column(name, columns)
            elif columns[name].join or columns[name].policy != BY_IMPORTANCE:
                yield place, f"column {name} is joined or has a policy of its own, expected one without"
            elif name in grouped:
                yield place, f"column {name} is in a group already, expected it once"
            grouped.add(name)


def _no_column(name: str, known: Collection[str]) -> str:
    return f"profiles have no column '{name}'{catalog.suggestion(name, known)}"


def _either(types: Sequence[ColumnType]) -> str:
    return " or ".join(type_.value for type_ in types)
