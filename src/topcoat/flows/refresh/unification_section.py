"""Unification and enrichment as an environment file says them, in the words of the core."""

from collections.abc import Iterator
from pathlib import Path

from topcoat.core import catalog, unified_view
from topcoat.core.catalog import CUSTOMER_ID, PREVIOUS_CUSTOMER_ID, Column, ColumnType, Table, TableKind
from topcoat.core.enrichment import AddedColumn, Enrichment, Reference, Standard
from topcoat.core.unification import (
    ColumnGroup,
    Condition,
    Deduplication,
    MatchRule,
    Rule,
    SourceColumn,
    Unification,
    UnifiedColumn,
)
from topcoat.core.unified_view import ColumnChoice
from topcoat.flows.refresh import unification_model as model
from topcoat.flows.refresh.environment_model import EnvironmentFile


def make_unification(file: EnvironmentFile, section: model.Unification, folder: Path) -> Unification:
    """Of a file without faults."""
    return Unification(
        tables=tuple(section.tables),
        columns=unified_columns(file, section),
        only_matched=frozenset(section.only_matched),
        deduplications=tuple(
            Deduplication(name, tuple(_rule(rule) for rule in d.rules), d.winner)
            for name, d in section.deduplication.items()
        ),
        matching=tuple(_match_rule(rule) for rule in section.matching),
        always_match=None if section.always_match is None else folder / section.always_match,
        never_match=None if section.never_match is None else folder / section.never_match,
        threshold=None if section.linkage is None else section.linkage.threshold,
        groups=column_groups(section),
    )


def make_enrichment(file: EnvironmentFile) -> Enrichment:
    """Of a file without faults."""
    section = file.enrichment
    return Enrichment(
        standards=tuple(Standard(name, s.kind, s.region) for name, s in section.standardize.items()),
        references=tuple(_reference(file, reference) for reference in section.reference),
    )


def profile_columns(file: EnvironmentFile) -> Iterator[tuple[str, ColumnType]]:
    """What unification and enrichment give the profiles: ids first and last, alternate keys behind all values."""
    section = file.unification
    assert section is not None
    enrichment = make_enrichment(file)
    yield CUSTOMER_ID, ColumnType.STRING
    for column in unified_columns(file, section):
        yield column.name, column.type
    for standard in enrichment.standards:
        yield standard.name, ColumnType.STRING
    for reference in enrichment.references:
        for added in reference.columns:
            yield added.name, added.type
    for name in section.tables:
        yield catalog.alternate_key(name, file.tables[name].primary_key), ColumnType.STRING
    yield PREVIOUS_CUSTOMER_ID, ColumnType.STRING


def unified_columns(file: EnvironmentFile, section: model.Unification) -> tuple[UnifiedColumn, ...]:
    return unified_view.unified_columns(customer_tables(file, section), column_choices(section), section.exclude)


def customer_tables(file: EnvironmentFile, section: model.Unification) -> list[Table]:
    """Those that there are, in the section's order, as far as unification looks at them."""
    return [
        Table(
            name,
            TableKind.SOURCE,
            tuple(Column(column, type_) for column, type_ in file.tables[name].columns.items()),
            file.tables[name].primary_key,
        )
        for name in section.tables
        if name in file.tables
    ]


def column_choices(section: model.Unification) -> list[ColumnChoice]:
    return [
        ColumnChoice(
            name,
            tuple(SourceColumn(table, source) for table, source in (column.sources or {}).items()),
            column.policy,
            tuple(column.join),
        )
        for name, column in section.columns.items()
    ]


def column_groups(section: model.Unification) -> tuple[ColumnGroup, ...]:
    return tuple(ColumnGroup(tuple(group.columns), group.policy) for group in section.groups)


def _rule(rule: model.Rule) -> Rule:
    return Rule(name=rule.name, conditions=_conditions(rule.conditions), exceptions=_conditions(rule.exceptions))


def _match_rule(rule: model.MatchRule) -> MatchRule:
    return MatchRule(
        name=rule.name,
        conditions=_conditions(rule.conditions),
        exceptions=_conditions(rule.exceptions),
        table=rule.table,
        other_table=rule.other_table,
    )


def _conditions(conditions: list[model.Condition]) -> tuple[Condition, ...]:
    return tuple(
        Condition(
            c.column, c.other_column or c.column, tuple(c.normalize), c.precision, region=c.region, differs=c.differs
        )
        for c in conditions
    )


def _reference(file: EnvironmentFile, reference: model.Reference) -> Reference:
    columns = file.tables[reference.table].columns
    return Reference(
        table=reference.table,
        match=tuple(reference.match.items()),
        columns=tuple(AddedColumn(name, source, columns[source]) for name, source in reference.columns.items()),
        normalizations=tuple(reference.normalize),
        region=reference.region,
    )
