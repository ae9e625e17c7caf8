"""Segments and measures: defining them here, computing them in a refresh (S10)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from topcoat.clock import Clock
from topcoat.core import catalog as catalogs
from topcoat.core import errors
from topcoat.core.catalog import CUSTOMER_MEASURE, Catalog, Document, shown, suggestion
from topcoat.core.definitions import PER_KIND_MAX, Authorship
from topcoat.core.insights import definition as definitions
from topcoat.core.insights import plan as plans
from topcoat.core.insights.definition import Definition, Fault, Kind
from topcoat.core.insights.evaluated import Evaluated
from topcoat.core.insights.plan import Plan
from topcoat.store import definitions as stored_definitions
from topcoat.store import generations, insight_evaluations, instances, segments
from topcoat.store.definitions import StoredDefinition
from topcoat.store.engine import ReadConnection, Store, WriteConnection
from topcoat.store.instances import Stand

INACTIVE: Final = "inactive"
_WORDS: Final = {Kind.SEGMENT: "Segment", Kind.MEASURE: "Measure"}
_NAME_EXPECTED: Final = (
    f"a letter, then at most {definitions.NAME_LENGTH_MAX - 1} letters, digits and underscores without blanks or dashes"
)


@dataclass(frozen=True, slots=True)
class Insight:
    """A segment or a measure; nobody is the author of one that is ready-made.

    `fault` says why it is not computed. `evaluations` are newest first, back to the last success; `history` those of
    the time that was asked for.
    """

    name: str
    document: Document
    is_active: bool = True
    fault: str | None = None
    authorship: Authorship | None = None
    evaluations: Sequence[Evaluated] = ()
    history: Sequence[Evaluated] = ()


class Insights:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def list_insights(self, guid: str, kind: Kind, history: timedelta | None = None) -> list[Insight]:
        """The defined ones by name, then those that are ready-made."""
        async with self._store.reading() as connection:
            known = await _read_known(connection, await instances.find_stand(connection, guid), guid, self._clock)
            since = None if history is None else known.now - history
            evaluated = await insight_evaluations.list_evaluations(connection, known.stand.instance_id, kind, since)
            ready = await _list_ready_made(connection, known, kind)
        faults = known.plan(known.definitions()).faults
        defined = [
            Insight(
                name=one.name,
                document=one.document,
                is_active=_definition(kind, one, known.now).is_active,
                fault=faults[kind, one.name].message if (kind, one.name) in faults else None,
                authorship=one.authorship,
                evaluations=evaluated.get(one.name, ()),
                history=[e for e in evaluated.get(one.name, ()) if since is not None and e.evaluated_at >= since],
            )
            for one in known.stored[kind]
        ]
        return [*defined, *ready]

    async def get_insight(self, guid: str, kind: Kind, name: str, history: timedelta | None = None) -> Insight:
        """Raise `DefinitionNotFound`, which suggests the nearest name."""
        known = {insight.name: insight for insight in await self.list_insights(guid, kind, history)}
        if name not in known:
            hint = suggestion(name, known)
            raise errors.DefinitionNotFound(what=_WORDS[kind], name=shown(name), suggestion=hint)
        return known[name]

    async def create(self, guid: str, kind: Kind, name: str, document: Document, principal: str) -> Insight:
        """Raise `NameTaken`, `DefinitionInvalid` or `DefinitionsCyclic`; what is merely not computed is kept."""
        if not definitions.is_name(name):
            found = catalogs.described(name)
            raise errors.ParameterInvalid(parameter="name", found=found, expected=_NAME_EXPECTED)
        async with self._changing(guid) as (connection, known):
            if name.casefold() in map(str.casefold, known.names(kind)):
                raise errors.NameTaken(what=_WORDS[kind], name=name)
            if len(known.stored[kind]) >= PER_KIND_MAX:
                raise errors.TooManyDefinitions(what=_WORDS[kind], limit=PER_KIND_MAX)
            definition = Definition(kind, name, document)
            known.check(definition)
            await self._save(connection, known, definition, principal)
        return await self.get_insight(guid, kind, name)

    async def replace(self, guid: str, kind: Kind, name: str, document: Document, principal: str) -> Insight:
        """Raise `DefinitionNotFound`, `ReadyMade`, and what `create` raises."""
        async with self._changing(guid) as (connection, known):
            stored = known.get(kind, name)
            kept = {"state": stored.document.get("state")} if kind is Kind.SEGMENT else {}
            definition = Definition(kind, name, kept | document)
            known.check(definition)
            await self._save(connection, known, definition, principal)
        return await self.get_insight(guid, kind, name)

    async def set_state(self, guid: str, name: str, state: str, principal: str) -> None:
        """Of a segment; from the next evaluation on it has members, or none."""
        async with self._changing(guid) as (connection, known):
            document = known.get(Kind.SEGMENT, name).document
            definition = Definition(Kind.SEGMENT, name, document | {"state": state})
            await self._save(connection, known, definition, principal)

    async def delete(self, guid: str, kind: Kind, name: str) -> None:
        """Its results go with the next evaluation; raise `DefinitionInUse` while others lean on it."""
        async with self._changing(guid) as (connection, known):
            known.get(kind, name)
            dependents = definitions.dependents_of((kind, name), known.definitions())
            if dependents:
                named = ", ".join(f"{one.kind.value} '{one.name}'" for one in dependents)
                raise errors.DefinitionInUse(kind=kind.value, name=name, dependents=named)
            instance_id = known.stand.instance_id
            await stored_definitions.delete_definition(connection, instance_id, _stored_kind(kind), name)
            await insight_evaluations.forget_evaluations(connection, instance_id, kind, name)

    @asynccontextmanager
    async def _changing(self, guid: str) -> AsyncIterator[tuple[WriteConnection, "_Known"]]:
        """A transaction that has the instance to itself, so that two changes cannot close a circle."""
        async with self._store.writing() as connection:
            stand = await instances.lock_stand(connection, guid)
            yield connection, await _read_known(connection, stand, guid, self._clock)

    async def _save(self, connection: WriteConnection, known: "_Known", definition: Definition, principal: str) -> None:
        await stored_definitions.save_definition(
            connection,
            known.stand.instance_id,
            _stored_kind(definition.kind),
            definition.name,
            definition.document,
            principal=principal,
            now=self._clock.system_now(),
        )


async def list_definitions(connection: ReadConnection, instance_id: int, now: datetime) -> list[Definition]:
    """Of an instance, as they count at an instant."""
    return [
        _definition(kind, stored, now)
        for kind in Kind
        for stored in await stored_definitions.list_definitions(connection, instance_id, _stored_kind(kind))
    ]


@dataclass(frozen=True, slots=True)
class _Known:
    """All definitions of an instance, and what its active generation has without them."""

    stand: Stand
    now: datetime
    stored: dict[Kind, list[StoredDefinition]]
    catalog: Catalog = field(default_factory=lambda: Catalog(()))
    segments: tuple[str, ...] = ()

    def definitions(self) -> list[Definition]:
        return [_definition(kind, one, self.now) for kind, stored in self.stored.items() for one in stored]

    def plan(self, given: Sequence[Definition]) -> Plan:
        return plans.make_plan(given, self.catalog, self.segments, self.now)

    def check(self, definition: Definition) -> None:
        """Raise what is wrong with a new definition, or with others if it took its place among them.

        Before the first refresh there is nothing to hold it against but the others.
        """
        others = [one for one in self.definitions() if one.key != definition.key]
        definitions.check_document(definition.name, definition.document)
        faults = self.plan([*others, definition]).faults
        fault = faults.pop(definition.key, None)
        if self.stand.generation is None:
            return
        if isinstance(fault, errors.DefinitionInvalid):
            raise fault
        before = self.plan(self.definitions()).faults
        for (kind, name), error in faults.items():
            if (kind, name) not in before:
                reason = f"would leave the {kind.value} '{name}' without what it needs: {error.message[:-1]}"
                raise definitions.refusal(Fault.INVALID_OPERATION, definition.name, reason)

    def ready_made(self, kind: Kind) -> tuple[str, ...]:
        if kind is Kind.SEGMENT:
            return self.segments
        table = self.catalog.tables_by_name.get(CUSTOMER_MEASURE)
        return () if table is None else tuple(column.name for column in table.columns)

    def names(self, kind: Kind) -> list[str]:
        return [*(one.name for one in self.stored[kind]), *self.ready_made(kind)]

    def get(self, kind: Kind, name: str) -> StoredDefinition:
        """Raise `ReadyMade`, or `DefinitionNotFound`, which suggests the nearest name."""
        for stored in self.stored[kind]:
            if stored.name == name:
                return stored
        if name in self.ready_made(kind):
            raise errors.ReadyMade(kind=kind.value, name=name)
        hint = suggestion(name, self.names(kind))
        raise errors.DefinitionNotFound(what=_WORDS[kind], name=shown(name), suggestion=hint)


async def _read_known(connection: ReadConnection, stand: Stand | None, guid: str, clock: Clock) -> _Known:
    if stand is None:
        raise errors.InstanceNotFound(instance=shown(guid))
    stored = {
        kind: await stored_definitions.list_definitions(connection, stand.instance_id, _stored_kind(kind))
        for kind in Kind
    }
    known = _Known(stand, clock.now(stand.service_time), stored)
    if stand.generation is None:
        return known
    catalog = await instances.find_catalog(connection, stand.instance_id, stand.generation)
    assert catalog is not None  # the active generation has one
    names = await segments.list_segments(connection, stand.instance_id, stand.generation)
    ready = tuple(name for name in names if name not in catalog.defined_segments)
    return _Known(known.stand, known.now, stored, plans.without_defined(catalog), ready)


async def _list_ready_made(connection: ReadConnection, known: _Known, kind: Kind) -> list[Insight]:
    """They were computed elsewhere, before the refresh that brought them."""
    generation, instance_id = known.stand.generation, known.stand.instance_id
    if generation is None:
        return []
    refreshed_at = (await generations.get_refreshed(connection, instance_id)).at
    names = [name for name in known.ready_made(kind) if name != catalogs.CUSTOMER_ID]
    counts: dict[str, int] = {}
    if kind is Kind.SEGMENT and names:
        counts = await segments.count_members(connection, instance_id, generation)
    return [
        Insight(
            name=name,
            document={},
            evaluations=[Evaluated(kind, name, generation, None, refreshed_at, None, counts.get(name), None)],
        )
        for name in names
    ]


def _definition(kind: Kind, stored: StoredDefinition, now: datetime) -> Definition:
    document = stored.document
    ends_at = document.get("endDate")
    is_active = document.get("state") != INACTIVE and (ends_at is None or now < catalogs.parse_instant(ends_at))
    return Definition(kind, stored.name, document, is_active)


def _stored_kind(kind: Kind) -> stored_definitions.Kind:
    return stored_definitions.Kind(kind.value)
