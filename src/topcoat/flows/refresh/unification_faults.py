"""What the shape of the sections on unification and enrichment alone cannot say."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from topcoat.core import catalog, corrupt_rows, unified_view
from topcoat.core.catalog import CUSTOMER, CUSTOMER_ID, ColumnType
from topcoat.core.enrichment import STANDARDIZED_ENDING
from topcoat.core.unification import EXACT, WinnerPolicy
from topcoat.flows.refresh import unification_model as model
from topcoat.flows.refresh import unification_section
from topcoat.flows.refresh.environment_model import EnvironmentFile, SourceTable
from topcoat.flows.refresh.located_yaml import Place
from topcoat.flows.refresh.name_faults import Faults, case_faults, column_faults, table_faults
from topcoat.flows.refresh.source_places import CSV_SUFFIXES

_EVERY_TYPE: Final = tuple(ColumnType)
_TEXT_TYPES: Final = (ColumnType.STRING,)
_TIME_TYPES: Final = (ColumnType.DATE_TIME, ColumnType.DATE)
_KEY_TYPES: Final = (ColumnType.STRING, ColumnType.INTEGER)


def list_faults(file: EnvironmentFile, section: model.Unification, folder: Path) -> Faults:
    """Places are those in the whole file; what builds on a name is looked at only where all names are right."""
    place: Place = ("unification",)
    faults = [*_case_faults(file), *_table_faults(file, section, place)]
    if not faults:
        faults += [*_deduplication_faults(file, section, place), *_matching_faults(file, section, place)]
        faults += [*_view_faults(file, section, place)]
    yield from faults
    for key in ("always_match", "never_match"):
        written = getattr(section, key)
        if written is not None:
            yield from _pair_file_faults((*place, key), folder / written)
    if not faults:
        yield from _enrichment_faults(file, section)


def output_faults(file: EnvironmentFile) -> Faults:
    """Of enrichments and predictions, whose names are those of tables."""
    sections: tuple[tuple[str, Mapping[str, model.OutputTable]], ...] = (
        ("enrichments", file.enrichments),
        ("predictions", file.predictions),
    )
    own = (CUSTOMER, catalog.UNIFIED_ACTIVITY, catalog.CUSTOMER_MEASURE)
    taken = {name.lower() for name in (*file.tables, *own)}  # the engine does not tell them apart by case
    for section, outputs in sections:
        for name, output in outputs.items():
            if name.lower() in taken:
                yield (section, name), "there is a table of this name already"
            if name.lower().endswith(corrupt_rows.SUFFIX):
                reason = f"{corrupt_rows.SUFFIX} ends names of tables of rows that could not be taken"
                yield (section, name), f"{reason}, expected another name"
            taken.add(name.lower())
            place = (section, name)
            yield from column_faults((*place, "primary_key"), output.columns, name, output.primary_key, _KEY_TYPES)
            yield from column_faults((*place, "columns"), output.columns, name, CUSTOMER_ID, _TEXT_TYPES)


def _case_faults(file: EnvironmentFile) -> Faults:
    sections: tuple[tuple[str, Mapping[str, model.OutputTable | SourceTable]], ...] = (
        ("tables", file.tables),
        ("enrichments", file.enrichments),
        ("predictions", file.predictions),
    )
    for section, tables in sections:
        yield from case_faults((section,), tables)
        for name, table in tables.items():
            yield from case_faults((section, name, "columns"), table.columns)


def _table_faults(file: EnvironmentFile, section: model.Unification, place: Place) -> Faults:
    for index, name in enumerate(section.tables):
        yield from table_faults((*place, "tables", index), name, file)
        if name in section.tables[:index]:
            yield (*place, "tables", index), f"table {name} is there twice"
        elif name in file.tables and file.tables[name].file is None and file.tables[name].database is None:
            yield ("tables", name), "the table has customers, expected its `file` or its `database`"
    for index, name in enumerate(section.only_matched):
        yield from _customer_table_faults((*place, "only_matched", index), name, section)
    for name in section.deduplication:
        yield from _customer_table_faults((*place, "deduplication", name), name, section)
    for index, rule in enumerate(section.matching):
        yield from _customer_table_faults((*place, "matching", index, "table"), rule.table, section)
        yield from _customer_table_faults((*place, "matching", index, "other_table"), rule.other_table, section)


def _customer_table_faults(place: Place, name: str, section: model.Unification) -> Faults:
    if name not in section.tables:
        hint = catalog.suggestion(name, section.tables)
        yield place, f"'{name}' is no table of customers, expected one of unification.tables{hint}"


def _deduplication_faults(file: EnvironmentFile, section: model.Unification, place: Place) -> Faults:
    for name, deduplication in section.deduplication.items():
        here = (*place, "deduplication", name)
        for index, rule in enumerate(deduplication.rules):
            yield from _rule_faults(file, (*here, "rules", index), rule, name, name)
        winner = deduplication.winner
        if winner.policy is not WinnerPolicy.MOST_FILLED:
            assert winner.column is not None  # it is read with one
            yield from column_faults((*here, "winner"), file.tables[name].columns, name, winner.column, _TIME_TYPES)


def _matching_faults(file: EnvironmentFile, section: model.Unification, place: Place) -> Faults:
    """Each table is matched with those before it."""
    for index, rule in enumerate(section.matching):
        here = (*place, "matching", index)
        if section.tables.index(rule.other_table) >= section.tables.index(rule.table):
            reason = (
                f"{rule.other_table} does not stand before {rule.table} in unification.tables, expected that it does"
            )
            yield (*here, "other_table"), reason
        yield from _rule_faults(file, here, rule, rule.table, rule.other_table)


def _rule_faults(file: EnvironmentFile, place: Place, rule: model.Rule, table: str, other_table: str) -> Faults:
    for key in ("conditions", "exceptions"):
        for index, condition in enumerate(getattr(rule, key)):
            yield from _condition_faults(file, (*place, key, index), condition, table, other_table)


def _condition_faults(
    file: EnvironmentFile, place: Place, condition: model.Condition, table: str, other_table: str
) -> Faults:
    columns, others = file.tables[table].columns, file.tables[other_table].columns
    other = condition.other_column or condition.column
    types = _TEXT_TYPES if condition.normalize else _EVERY_TYPE
    faults = [
        *column_faults((*place, "column"), columns, table, condition.column, types),
        *column_faults((*place, "other_column"), others, other_table, other, types),
    ]
    yield from faults
    if faults:
        return
    type_, other_type = columns[condition.column], others[other]
    if type_ is not other_type:
        reason = (
            f"{condition.column} is of type {type_.value} and {other} of {other_type.value}, expected the same type"
        )
        yield place, reason
    elif type_ is ColumnType.BOOLEAN and condition.precision != EXACT:
        yield (*place, "precision"), f"{condition.column} is of type boolean, expected exact"


def _view_faults(file: EnvironmentFile, section: model.Unification, place: Place) -> Faults:
    found = unified_view.find_faults(
        unification_section.customer_tables(file, section),
        unification_section.column_choices(section),
        unification_section.column_groups(section),
        section.exclude,
    )
    for where, reason in found:
        yield (*place, *where), reason


def _pair_file_faults(place: Place, path: Path) -> Faults:
    if path.suffix.lower() not in CSV_SUFFIXES:
        yield place, f"found a file named '{path.name}', expected one ending in {', '.join(CSV_SUFFIXES)}"
    elif not path.is_file():
        yield place, f"the file {path} does not exist; paths are relative to the environment file"


def _enrichment_faults(file: EnvironmentFile, section: model.Unification) -> Faults:
    columns = {c.name: c.type for c in unification_section.unified_columns(file, section)}
    for name in file.enrichment.standardize:
        yield from column_faults(("enrichment", "standardize", name), columns, CUSTOMER, name, _TEXT_TYPES)
    known = columns | {f"{name}{STANDARDIZED_ENDING}": ColumnType.STRING for name in file.enrichment.standardize}
    faults = [
        fault
        for index, reference in enumerate(file.enrichment.reference)
        for fault in _reference_faults(file, ("enrichment", "reference", index), reference, known)
    ]
    yield from faults
    if not faults:
        yield from _twice_faults(file)


def _reference_faults(
    file: EnvironmentFile, place: Place, reference: model.Reference, known: Mapping[str, ColumnType]
) -> Iterator[tuple[Place, str]]:
    if reference.table not in file.tables:
        yield from table_faults((*place, "table"), reference.table, file)
        return
    table = file.tables[reference.table]
    if table.file is None and table.database is None:
        yield ("tables", reference.table), "the table is one of reference, expected its `file` or its `database`"
    columns = table.columns
    types = _TEXT_TYPES if reference.normalize else _EVERY_TYPE
    for name, source in reference.match.items():
        yield from column_faults((*place, "match", name), known, CUSTOMER, name, types)
        yield from column_faults((*place, "match", name), columns, reference.table, source, types)
    for name, source in reference.columns.items():
        yield from column_faults((*place, "columns", name), columns, reference.table, source, _EVERY_TYPE)


def _twice_faults(file: EnvironmentFile) -> Faults:
    """A column that the profiles would have twice."""
    names = [name.lower() for name, _ in unification_section.profile_columns(file)]
    for place, name in _added_columns(file):
        if names.count(name.lower()) > 1:
            yield place, f"profiles would have column {name} twice, expected another name"


def _added_columns(file: EnvironmentFile) -> Iterator[tuple[Place, str]]:
    for name in file.enrichment.standardize:
        yield ("enrichment", "standardize", name), f"{name}{STANDARDIZED_ENDING}"
    for index, reference in enumerate(file.enrichment.reference):
        for name in reference.columns:
            yield ("enrichment", "reference", index, "columns", name), name
