"""Names in an environment file that name nothing, or what does not fit there."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from topcoat.core import catalog
from topcoat.core.catalog import ColumnType
from topcoat.flows.refresh import environment_model as model
from topcoat.flows.refresh.located_yaml import Place

Faults = Iterator[tuple[Place, str]]


def column_faults(
    place: Place, columns: Mapping[str, ColumnType], table_name: str, column: str, types: Collection[ColumnType]
) -> Faults:
    if column not in columns:
        yield place, f"table {table_name} has no column '{column}'{catalog.suggestion(column, columns)}"
    elif columns[column] not in types:
        expected = " or ".join(type_.value for type_ in types)
        yield place, f"column {column} is of type {columns[column].value}, expected {expected}"


def table_faults(place: Place, name: str, file: model.EnvironmentFile) -> Faults:
    if name not in file.tables:
        yield place, f"there is no table '{name}' under tables{catalog.suggestion(name, file.tables)}"


def case_faults(place: Place, names: Iterable[str]) -> Faults:
    """Names that the engine cannot tell apart."""
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.lower(), name)
        if other != name:
            yield (*place, name), f"{name} differs from {other} in case alone, expected another name"
