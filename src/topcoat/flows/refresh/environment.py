"""The environment file of an instance: read, checked as a whole, and turned into its catalog."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from topcoat.core import catalog, errors, schedules
from topcoat.core.catalog import ActivityConfiguration, Catalog, Column, ColumnType, Table, TableKind
from topcoat.core.schedules import Timing
from topcoat.core.search_configuration import IndexedColumn
from topcoat.flows.refresh import environment_model as model
from topcoat.flows.refresh import located_yaml
from topcoat.flows.refresh.environment_model import EnvironmentFile
from topcoat.flows.refresh.located_yaml import LocatedYaml, Place

CSV_SUFFIXES: Final = (".csv",)
JSON_LINES_SUFFIXES: Final = (".jsonl", ".ndjson")

_KEY_TYPES: Final = (ColumnType.STRING, ColumnType.INTEGER)
_TIME_TYPES: Final = (ColumnType.DATE_TIME, ColumnType.DATE)
_TEXT_TYPES: Final = (ColumnType.STRING,)
_EVERY_TYPE: Final = tuple(ColumnType)
_SEARCH_TYPES: Final = {
    "searchable": _TEXT_TYPES,
    "filterable": _EVERY_TYPE,
    "sortable": _EVERY_TYPE,
    "facetable": _EVERY_TYPE,
}


@dataclass(frozen=True, slots=True)
class Environment:
    """What the environment file says; the paths are absolute, its own included, those of source tables beside the
    table's name."""

    file: Path
    instance_id: str
    name: str
    instance_type: str
    subscription_keys: tuple[str, ...]
    profile_lifetime: timedelta
    activity_lifetime: timedelta
    catalog: Catalog
    source_files: tuple[tuple[str, Path], ...]
    customer_file: Path
    key_ring_file: Path | None
    activity_files: tuple[Path, ...]
    measure_file: Path | None
    segment_file: Path | None
    search: tuple[IndexedColumn, ...] | None
    schedule: Timing | None


def load_environment(path: Path) -> Environment:
    """Raise `EnvironmentInvalid` for the first fault, with its line; the unified files must exist."""
    located = located_yaml.read_yaml(path)
    file = _parse(located)
    folder = path.absolute().parent
    for place, reason in _faults(file, folder):
        raise located.fault(place, reason)
    return _environment(file, path.absolute())


def environment_schema() -> dict[str, Any]:
    """The JSON Schema of the environment file."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return dialect | EnvironmentFile.model_json_schema() | {"title": "Topcoat environment file"}


def _parse(located: LocatedYaml) -> EnvironmentFile:
    try:
        return EnvironmentFile.model_validate(located.value)
    except ValidationError as error:
        faults = [located.fault(*_translated(details)) for details in error.errors(include_url=False)]
    raise min(faults, key=lambda fault: int(fault.parts["line"]))


_EXPECTATIONS: Final = {
    "string_type": "a string",
    "bool_type": "true or false",
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "list_type": "a list",
}


def _translated(details: ErrorDetails) -> tuple[Place, str]:
    """Where it is and, in our words, what came and what was expected."""
    place: Place = tuple(part for part in details["loc"] if part != "[key]")
    context = details.get("ctx", {})
    match details["type"]:
        case "missing":
            return place, "the key is missing; it is mandatory"
        case model.UNKNOWN_KEY:
            return (*place, context["key"]), context["reason"]
        case model.EXPECTED:
            return place, _found(place, details["input"], context["expected"])
        case kind:
            return place, _found(place, details["input"], _EXPECTATIONS.get(kind, details["msg"]))


def _found(place: Place, value: Any, expected: str) -> str:
    """A subscription key is a secret, which errors do not repeat."""
    found = "something else" if "subscription_keys" in place else located_yaml.described(value)
    is_to_quote = expected == _EXPECTATIONS["string_type"] and not isinstance(value, dict | list | None)
    return f"found {found}, expected {expected}" + ("; put it in quotes" if is_to_quote else "")


def _faults(file: EnvironmentFile, folder: Path) -> Iterator[tuple[Place, str]]:
    """What the shape alone cannot say."""
    for name, table in file.tables.items():
        yield from _table_faults(("tables", name), name, table)
    for name, activity in file.activities.items():
        if name in file.tables:
            yield from _activity_faults(("activities", name), file, name, activity)
        else:
            yield ("activities", name), _unknown_table(name, file)
    ids = (catalog.CUSTOMER_ID, catalog.PREVIOUS_CUSTOMER_ID)
    yield from _id_faults(("unified", "customer", "columns"), file.unified.customer.columns, ids)
    if file.unified.measures is not None:
        yield from _id_faults(("unified", "measures", "columns"), file.unified.measures.columns, ids[:1])
    for place, written in (*_source_files(file), *_written_files(file.unified)):
        yield from _file_faults((*place, "file"), folder / written)
    if file.search is not None:
        yield from _search_faults(file.search, file.unified.customer.columns)
    if file.schedule is not None:
        yield from _schedule_faults(file.schedule)


def _table_faults(place: Place, name: str, table: model.SourceTable) -> Iterator[tuple[Place, str]]:
    yield from _column_faults((*place, "primary_key"), table, name, table.primary_key, _KEY_TYPES)
    if table.data_source is not None and not name.startswith(f"{table.data_source}_"):
        found = f"found '{table.data_source}', expected the beginning of the table's name, up to an underscore"
        yield (*place, "data_source"), found


def _activity_faults(
    place: Place, file: EnvironmentFile, name: str, activity: model.Activity
) -> Iterator[tuple[Place, str]]:
    table = file.tables[name]
    columns = {
        "timestamp": (activity.timestamp, _TIME_TYPES),
        "event": (activity.event, _EVERY_TYPE),
        "title": (activity.title, _EVERY_TYPE),
        "detail": (activity.detail, _EVERY_TYPE),
        "url": (activity.url, _TEXT_TYPES),
    }
    for key, (column, types) in columns.items():
        if column is not None:
            yield from _column_faults((*place, key), table, name, column, types)
    link = activity.customer
    yield from _column_faults((*place, "customer", "column"), table, name, link.column, _KEY_TYPES)
    if link.table not in file.tables:
        yield (*place, "customer", "table"), _unknown_table(link.table, file)


def _column_faults(
    place: Place, table: model.SourceTable, table_name: str, column: str, types: tuple[ColumnType, ...]
) -> Iterator[tuple[Place, str]]:
    if column not in table.columns:
        yield place, f"table {table_name} has no column '{column}'{catalog.suggestion(column, table.columns)}"
    elif table.columns[column] not in types:
        expected = " or ".join(type_.value for type_ in types)
        yield place, f"column {column} is of type {table.columns[column].value}, expected {expected}"


def _unknown_table(name: str, file: EnvironmentFile) -> str:
    return f"there is no table '{name}' under tables{catalog.suggestion(name, file.tables)}"


def _id_faults(place: Place, columns: Mapping[str, ColumnType], ids: Iterable[str]) -> Iterator[tuple[Place, str]]:
    """Faults of the columns that hold ids of customers."""
    if catalog.CUSTOMER_ID not in columns:
        yield place, f"column {catalog.CUSTOMER_ID} is missing, expected {catalog.CUSTOMER_ID}: string"
    for name in ids:
        if columns.get(name, ColumnType.STRING) is not ColumnType.STRING:
            yield (*place, name), f"found {columns[name].value}, expected string"


def _source_files(file: EnvironmentFile) -> Iterator[tuple[Place, str]]:
    for name, table in file.tables.items():
        if table.file is not None:
            yield ("tables", name), table.file


def _written_files(unified: model.Unified) -> Iterator[tuple[Place, str]]:
    yield ("unified", "customer"), unified.customer.file
    if unified.key_ring is not None:
        yield ("unified", "key_ring"), unified.key_ring.file
    for index, activities in enumerate(unified.activities):
        yield ("unified", "activities", index), activities.file
    if unified.measures is not None:
        yield ("unified", "measures"), unified.measures.file
    if unified.segments is not None:
        yield ("unified", "segments"), unified.segments.file


def _file_faults(place: Place, path: Path) -> Iterator[tuple[Place, str]]:
    suffixes = (*CSV_SUFFIXES, *JSON_LINES_SUFFIXES)
    if path.suffix.lower() not in suffixes:
        yield place, f"found a file named '{path.name}', expected one ending in {', '.join(suffixes)}"
    elif not path.is_file():
        yield place, f"the file {path} does not exist; paths are relative to the environment file"


def _search_faults(search: model.Search, columns: Mapping[str, ColumnType]) -> Iterator[tuple[Place, str]]:
    for key, types in _SEARCH_TYPES.items():
        for index, name in enumerate(getattr(search, key)):
            place = ("search", key, index)
            if name not in columns:
                yield place, f"table {catalog.CUSTOMER} has no column '{name}'{catalog.suggestion(name, columns)}"
            elif columns[name] not in types:
                expected = " or ".join(type_.value for type_ in types)
                yield place, f"column {name} is of type {columns[name].value}, expected {expected}"


def _schedule_faults(schedule: model.Schedule) -> Iterator[tuple[Place, str]]:
    try:
        zone = schedules.get_zone(schedule.time_zone)
    except errors.ParameterInvalid as error:
        yield ("schedule", "time_zone"), _refusal(error)
        return
    for place, line in enumerate(schedule.cron):
        try:
            schedules.check_line(line, zone)
        except errors.ParameterInvalid as error:
            yield ("schedule", "cron", place), _refusal(error)


def _refusal(error: errors.ParameterInvalid) -> str:
    return f"found {error.parts['found']}, expected {error.parts['expected']}"


def _environment(file: EnvironmentFile, path: Path) -> Environment:
    folder = path.parent
    keys = file.instance.subscription_keys
    unified = file.unified
    return Environment(
        file=path,
        instance_id=file.instance.id,
        name=file.instance.name,
        instance_type=file.instance.type.value,
        subscription_keys=tuple(key for key in (keys.primary, keys.secondary) if key is not None),
        profile_lifetime=file.lifetimes.profile,
        activity_lifetime=file.lifetimes.activity,
        catalog=_catalog(file),
        source_files=tuple((n, folder / t.file) for n, t in file.tables.items() if t.file is not None),
        customer_file=folder / unified.customer.file,
        key_ring_file=None if unified.key_ring is None else folder / unified.key_ring.file,
        activity_files=tuple(folder / activities.file for activities in unified.activities),
        measure_file=None if unified.measures is None else folder / unified.measures.file,
        segment_file=None if unified.segments is None else folder / unified.segments.file,
        search=None if file.search is None else _indexed_columns(file.search, unified.customer.columns),
        schedule=None if file.schedule is None else Timing.of(file.schedule.cron, file.schedule.time_zone),
    )


def _indexed_columns(search: model.Search, columns: Iterable[str]) -> tuple[IndexedColumn, ...]:
    """Those that the section names, in the table's order."""
    named = {*search.searchable, *search.filterable, *search.sortable, *search.facetable}
    return tuple(
        IndexedColumn(
            name,
            is_searchable=name in search.searchable,
            is_filterable=name in search.filterable,
            is_facetable=name in search.facetable,
            is_sortable=name in search.sortable,
        )
        for name in columns
        if name in named
    )


def _catalog(file: EnvironmentFile) -> Catalog:
    sources = (_source_table(name, table, file.activities.get(name)) for name, table in file.tables.items())
    return Catalog((_customer_table(file), catalog.UNIFIED_ACTIVITY_TABLE, _measure_table(file), *sources))


def _customer_table(file: EnvironmentFile) -> Table:
    """Keys are the ids and the alternate keys, named after the tables that they come from."""
    alternate_keys = {f"{name}_{table.primary_key}" for name, table in file.tables.items()}
    keys = {catalog.CUSTOMER_ID, catalog.PREVIOUS_CUSTOMER_ID} | alternate_keys
    return Table(
        name=catalog.CUSTOMER,
        kind=TableKind.CUSTOMER,
        columns=tuple(
            Column(name, type_, is_key=name in keys, is_mandatory=name == catalog.CUSTOMER_ID)
            for name, type_ in file.unified.customer.columns.items()
        ),
        primary_key=catalog.CUSTOMER_ID,
    )


def _measure_table(file: EnvironmentFile) -> Table:
    """CustomerId comes first, wherever the file has it."""
    measures = file.unified.measures
    columns = {} if measures is None else measures.columns
    return Table(
        name=catalog.CUSTOMER_MEASURE,
        kind=TableKind.CUSTOMER_MEASURE,
        columns=(
            Column(catalog.CUSTOMER_ID, is_key=True, is_mandatory=True),
            *(Column(name, type_) for name, type_ in columns.items() if name != catalog.CUSTOMER_ID),
        ),
        primary_key=catalog.CUSTOMER_ID,
    )


def _source_table(name: str, table: model.SourceTable, activity: model.Activity | None) -> Table:
    return Table(
        name=name,
        kind=TableKind.SOURCE,
        columns=tuple(
            Column(column, type_, is_key=column == table.primary_key, is_mandatory=column == table.primary_key)
            for column, type_ in table.columns.items()
        ),
        primary_key=table.primary_key,
        data_source=table.data_source or name.partition("_")[0],
        activity=None if activity is None else _activity_configuration(activity),
        is_kept=table.file is not None,
    )


def _activity_configuration(activity: model.Activity) -> ActivityConfiguration:
    return ActivityConfiguration(
        name=activity.name,
        type=activity.type,
        timestamp=activity.timestamp,
        customer_column=activity.customer.column,
        customer_table=activity.customer.table,
        event=activity.event,
        title=activity.title,
        detail=activity.detail,
        url=activity.url,
        is_shown=activity.timeline,
        time_zone=activity.time_zone,
    )
