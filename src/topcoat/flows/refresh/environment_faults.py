"""What the shape of an environment file alone cannot say: names that are not there, types that do not fit, files."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from topcoat.core import catalog, errors, schedules
from topcoat.core.catalog import ColumnType
from topcoat.flows.refresh import environment_catalog, unification_faults
from topcoat.flows.refresh import environment_model as model
from topcoat.flows.refresh.environment_model import EnvironmentFile
from topcoat.flows.refresh.located_yaml import Place
from topcoat.flows.refresh.name_faults import Faults, column_faults, table_faults
from topcoat.flows.refresh.source_places import CSV_SUFFIXES, JSON_LINES_SUFFIXES
from topcoat.flows.refresh.unification_model import Unification

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


def list_faults(file: EnvironmentFile, folder: Path) -> Faults:
    """What the shape alone cannot say."""
    for name, table in file.tables.items():
        yield from _table_faults(("tables", name), name, table)
    for name, activity in file.activities.items():
        yield from table_faults(("activities", name), name, file)
        if name in file.tables:
            yield from _activity_faults(("activities", name), file, name, activity)
    yield from unification_faults.output_faults(file)
    faults = [*_data_faults(file, folder)]
    yield from faults
    if file.search is not None and not faults:
        yield from _search_faults(file.search, environment_catalog.customer_columns(file))
    if file.schedule is not None:
        yield from _schedule_faults(file.schedule)


def _data_faults(file: EnvironmentFile, folder: Path) -> Faults:
    """There is one of the two sections that say where profiles come from."""
    match file.unified, file.unification:
        case None, None:
            yield ("unified",), "the key is missing; `unified` or `unification` is mandatory"
        case model.Unified() as unified, None:
            yield from _unified_faults(file, unified, folder)
        case None, Unification() as unification:
            yield from unification_faults.list_faults(file, unification, folder)
        case _:
            yield ("unification",), "`unified` is there as well, expected one of the two"


def _unified_faults(file: EnvironmentFile, unified: model.Unified, folder: Path) -> Faults:
    ids = (catalog.CUSTOMER_ID, catalog.PREVIOUS_CUSTOMER_ID)
    yield from _id_faults(("unified", "customer", "columns"), unified.customer.columns, ids)
    if unified.measures is not None:
        yield from _id_faults(("unified", "measures", "columns"), unified.measures.columns, ids[:1])
    for name, table in file.tables.items():
        if table.database is not None:
            yield ("tables", name, "database"), "a database is read for `unification` only, expected a file"
    for place, written in (*_source_files(file), *_written_files(unified)):
        yield from _file_faults((*place, "file"), folder / written)


def _table_faults(place: Place, name: str, table: model.SourceTable) -> Faults:
    yield from column_faults((*place, "primary_key"), table.columns, name, table.primary_key, _KEY_TYPES)
    if table.file is not None and table.database is not None:
        yield (*place, "database"), "`file` is there as well, expected one of the two"
    if table.database is not None:
        yield from _database_faults((*place, "database"), name, table, table.database)
    if table.data_source is not None and not name.startswith(f"{table.data_source}_"):
        found = f"found '{table.data_source}', expected the beginning of the table's name, up to an underscore"
        yield (*place, "data_source"), found


def _database_faults(place: Place, name: str, table: model.SourceTable, database: model.Database) -> Faults:
    if (database.table is None) == (database.query is None):
        yield place, "expected one of `table` and `query`"
    if database.watermark is not None:
        types = (*_TIME_TYPES, ColumnType.INTEGER)
        yield from column_faults((*place, "watermark"), table.columns, name, database.watermark, types)


def _activity_faults(place: Place, file: EnvironmentFile, name: str, activity: model.Activity) -> Faults:
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
            yield from column_faults((*place, key), table.columns, name, column, types)
    link = activity.customer
    yield from column_faults((*place, "customer", "column"), table.columns, name, link.column, _KEY_TYPES)
    yield from table_faults((*place, "customer", "table"), link.table, file)


def _id_faults(place: Place, columns: Mapping[str, ColumnType], ids: Iterable[str]) -> Faults:
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
    for section, outputs in (("enrichments", file.enrichments), ("predictions", file.predictions)):
        for name, output in outputs.items():
            yield (section, name), output.file


def _written_files(unified: model.Unified) -> Faults:
    yield ("unified", "customer"), unified.customer.file
    if unified.key_ring is not None:
        yield ("unified", "key_ring"), unified.key_ring.file
    for index, activities in enumerate(unified.activities):
        yield ("unified", "activities", index), activities.file
    if unified.measures is not None:
        yield ("unified", "measures"), unified.measures.file
    if unified.segments is not None:
        yield ("unified", "segments"), unified.segments.file


def _file_faults(place: Place, path: Path) -> Faults:
    suffixes = (*CSV_SUFFIXES, *JSON_LINES_SUFFIXES)
    if path.suffix.lower() not in suffixes:
        yield place, f"found a file named '{path.name}', expected one ending in {', '.join(suffixes)}"
    elif not path.is_file():
        yield place, f"the file {path} does not exist; paths are relative to the environment file"


def _search_faults(search: model.Search, columns: Mapping[str, ColumnType]) -> Faults:
    for key, types in _SEARCH_TYPES.items():
        for index, name in enumerate(getattr(search, key)):
            place = ("search", key, index)
            if name not in columns:
                yield place, f"table {catalog.CUSTOMER} has no column '{name}'{catalog.suggestion(name, columns)}"
            elif columns[name] not in types:
                expected = " or ".join(type_.value for type_ in types)
                yield place, f"column {name} is of type {columns[name].value}, expected {expected}"


def _schedule_faults(schedule: model.Schedule) -> Faults:
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
