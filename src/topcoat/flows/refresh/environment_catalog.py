"""The tables of an instance, as its environment file declares them."""

from collections.abc import Iterable, Iterator

from topcoat.core import catalog, corrupt_rows
from topcoat.core.catalog import ActivityConfiguration, Catalog, Column, ColumnType, Contents, Table, TableKind
from topcoat.flows.refresh import environment_model as model
from topcoat.flows.refresh import unification_model, unification_section
from topcoat.flows.refresh.environment_model import EnvironmentFile


def make_catalog(file: EnvironmentFile) -> Catalog:
    """Of a file without faults."""
    sources = (_source_table(name, table, file.activities.get(name)) for name, table in file.tables.items())
    own = (_customer_table(file), catalog.UNIFIED_ACTIVITY_TABLE, _measure_table(file))
    tables = (*sources, *_output_tables(file))
    return Catalog((*own, *tables, *_corrupt_tables(file, tables)))


def customer_columns(file: EnvironmentFile) -> dict[str, ColumnType]:
    """Those of the profiles, in their order."""
    if file.unified is not None:
        return file.unified.customer.columns
    return dict(unification_section.profile_columns(file))


def _customer_table(file: EnvironmentFile) -> Table:
    """Keys are the ids and the alternate keys, named after the tables that they come from."""
    alternate_keys = {catalog.alternate_key(name, table.primary_key) for name, table in file.tables.items()}
    keys = {catalog.CUSTOMER_ID, catalog.PREVIOUS_CUSTOMER_ID} | alternate_keys
    return Table(
        name=catalog.CUSTOMER,
        kind=TableKind.CUSTOMER,
        columns=tuple(
            Column(name, type_, is_key=name in keys, is_mandatory=name == catalog.CUSTOMER_ID)
            for name, type_ in customer_columns(file).items()
        ),
        primary_key=catalog.CUSTOMER_ID,
    )


def _measure_table(file: EnvironmentFile) -> Table:
    """CustomerId comes first, wherever the file has it."""
    measures = None if file.unified is None else file.unified.measures
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
    has_rows = table.file is not None or table.database is not None
    return Table(
        name=name,
        kind=TableKind.SOURCE,
        columns=_keyed(table.columns, table.primary_key),
        primary_key=table.primary_key,
        data_source=table.data_source or name.partition("_")[0],
        activity=None if activity is None else _activity_configuration(activity),
        is_kept=has_rows and table.keep_rows,
    )


def _keyed(columns: dict[str, ColumnType], primary_key: str) -> tuple[Column, ...]:
    return tuple(
        Column(name, type_, is_key=name == primary_key, is_mandatory=name == primary_key)
        for name, type_ in columns.items()
    )


def _output_tables(file: EnvironmentFile) -> Iterator[Table]:
    for name, enrichment in file.enrichments.items():
        yield _output_table(name, enrichment, Contents.ENRICHMENT, enrichment.provider)
    for name, prediction in file.predictions.items():
        yield _output_table(name, prediction, Contents.PREDICTION, prediction.model)


def _output_table(name: str, output: unification_model.OutputTable, contents: Contents, maker: str) -> Table:
    return Table(
        name=name,
        kind=TableKind.SOURCE,
        columns=_keyed(output.columns, output.primary_key),
        primary_key=output.primary_key,
        is_kept=True,
        contents=contents,
        maker=maker,
    )


def _corrupt_tables(file: EnvironmentFile, tables: Iterable[Table]) -> Iterator[Table]:
    """Beside every table that a refresh pulls; where files are unified already, it takes all rows or none."""
    if file.unified is not None:
        return
    for table in tables:
        source = file.tables.get(table.name)
        if source is None or source.file is not None or source.database is not None:
            yield corrupt_rows.corrupt_table(table)


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
