"""The environment file of an instance: read, checked as a whole, and turned into its catalog."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from topcoat.core.catalog import CUSTOMER, Catalog
from topcoat.core.enrichment import Enrichment
from topcoat.core.schedules import Timing
from topcoat.core.search_configuration import IndexedColumn
from topcoat.core.unification import Unification
from topcoat.flows.refresh import (
    environment_catalog,
    environment_faults,
    environment_parts,
    located_yaml,
    unification_model,
    unification_section,
)
from topcoat.flows.refresh import environment_model as model
from topcoat.flows.refresh.environment_model import EnvironmentFile
from topcoat.flows.refresh.located_yaml import LocatedYaml, Place
from topcoat.flows.refresh.source_places import DatabaseSource, FileSource, Source


@dataclass(frozen=True, slots=True)
class UnifiedFiles:
    """Files that are unified already."""

    customers: Path
    key_ring: Path | None
    activities: tuple[Path, ...]
    measures: Path | None
    segments: Path | None


@dataclass(frozen=True, slots=True)
class Raw:
    """Source tables that a refresh makes profiles of."""

    unification: Unification
    enrichment: Enrichment
    quarantine_share_max: float


@dataclass(frozen=True, slots=True)
class Environment:
    """What the environment file says; paths are absolute, its own included. There is either `unified` or `raw`.

    `sources` are those of all tables that have one, by the table's name.
    """

    file: Path
    instance_id: str
    name: str
    instance_type: str
    subscription_keys: tuple[str, ...]
    profile_lifetime: timedelta
    activity_lifetime: timedelta
    catalog: Catalog
    sources: Mapping[str, Source]
    unified: UnifiedFiles | None
    raw: Raw | None
    search: tuple[IndexedColumn, ...] | None
    schedule: Timing | None

    @property
    def unified_files(self) -> UnifiedFiles:
        """Of an environment that is known to have them."""
        assert self.unified is not None
        return self.unified


def load_environment(path: Path) -> Environment:
    """Raise `EnvironmentInvalid` for the first fault, with its line; the unified files must exist."""
    located = located_yaml.read_yaml(path)
    file = _parse(located)
    folder = path.absolute().parent
    for place, reason in environment_faults.list_faults(file, folder):
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
    "too_short": "at least {min_length} in it",
    "float_type": "a number",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
}


def _translated(details: ErrorDetails) -> tuple[Place, str]:
    """Where it is and, in our words, what came and what was expected."""
    place: Place = tuple(part for part in details["loc"] if part != "[key]")
    context = details.get("ctx", {})
    match details["type"]:
        case "missing":
            return place, "the key is missing; it is mandatory"
        case environment_parts.UNKNOWN_KEY:
            return (*place, context["key"]), context["reason"]
        case environment_parts.EXPECTED:
            return place, _found(place, details["input"], context["expected"])
        case kind:
            expected = _EXPECTATIONS.get(kind, details["msg"]).format(**context)
            return place, _found(place, details["input"], expected)


def _found(place: Place, value: Any, expected: str) -> str:
    """A subscription key is a secret, which errors do not repeat."""
    found = "something else" if "subscription_keys" in place else located_yaml.described(value)
    is_to_quote = expected == _EXPECTATIONS["string_type"] and not isinstance(value, dict | list | None)
    return f"found {found}, expected {expected}" + ("; put it in quotes" if is_to_quote else "")


def _environment(file: EnvironmentFile, path: Path) -> Environment:
    folder = path.parent
    keys = file.instance.subscription_keys
    catalog_ = environment_catalog.make_catalog(file)
    return Environment(
        file=path,
        instance_id=file.instance.id,
        name=file.instance.name,
        instance_type=file.instance.type.value,
        subscription_keys=tuple(key for key in (keys.primary, keys.secondary) if key is not None),
        profile_lifetime=file.lifetimes.profile,
        activity_lifetime=file.lifetimes.activity,
        catalog=catalog_,
        sources=dict(_sources(file, folder)),
        unified=None if file.unified is None else _unified_files(file.unified, folder),
        raw=None if file.unification is None else _raw(file, file.unification, folder),
        search=None if file.search is None else _indexed_columns(file.search, catalog_),
        schedule=None if file.schedule is None else Timing.of(file.schedule.cron, file.schedule.time_zone),
    )


def _sources(file: EnvironmentFile, folder: Path) -> Iterator[tuple[str, Source]]:
    for name, table in file.tables.items():
        if table.file is not None:
            yield name, FileSource(folder / table.file)
        elif table.database is not None:
            database = table.database
            yield name, DatabaseSource(database.url, database.table, database.query, database.watermark)
    for name, output in (*file.enrichments.items(), *file.predictions.items()):
        yield name, FileSource(folder / output.file)


def _unified_files(unified: model.Unified, folder: Path) -> UnifiedFiles:
    return UnifiedFiles(
        customers=folder / unified.customer.file,
        key_ring=None if unified.key_ring is None else folder / unified.key_ring.file,
        activities=tuple(folder / activities.file for activities in unified.activities),
        measures=None if unified.measures is None else folder / unified.measures.file,
        segments=None if unified.segments is None else folder / unified.segments.file,
    )


def _raw(file: EnvironmentFile, section: unification_model.Unification, folder: Path) -> Raw:
    return Raw(
        unification=unification_section.make_unification(file, section, folder),
        enrichment=unification_section.make_enrichment(file),
        quarantine_share_max=file.quarantine_share_max,
    )


def _indexed_columns(search: model.Search, known: Catalog) -> tuple[IndexedColumn, ...]:
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
        for name in known.get_table(CUSTOMER).columns_by_name
        if name in named
    )
