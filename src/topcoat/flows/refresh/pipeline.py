"""The refresh of raw source tables, step by step: the one way in to the modules that load the engine."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from ibis.expr import types as ir

from topcoat.core import corrupt_rows
from topcoat.core.catalog import CUSTOMER, Contents, Table
from topcoat.core.insights.evaluated import Totals
from topcoat.core.insights.plan import Plan
from topcoat.flows.refresh import enrich, pull
from topcoat.flows.refresh.compute import Computing
from topcoat.flows.refresh.compute.records import Sources
from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.enrich import outputs
from topcoat.flows.refresh.environment import Raw
from topcoat.flows.refresh.output import activities, publishing, snapshot_rows
from topcoat.flows.refresh.output.snapshot_rows import SnapshotRows
from topcoat.flows.refresh.publication import Publication
from topcoat.flows.refresh.pull import databases, files
from topcoat.flows.refresh.report import TableFigures
from topcoat.flows.refresh.source_places import DatabaseSource, FileSource, Source
from topcoat.flows.refresh.unify import columns, deduplicating, earlier, identity, matching
from topcoat.flows.refresh.unify.columns import Customers
from topcoat.flows.refresh.unify.identity import Identity
from topcoat.store import staging
from topcoat.store.staging import ACTIVITIES, ALIASES, KEY_RING, MEASURES, MEMBERSHIPS, PROFILES, SOURCE_RECORDS


@dataclass(slots=True)
class Pipeline:
    """Steps leave their frames on the engine, and here, for the next ones."""

    publication: Publication
    engine: Engine
    deduplicated: dict[str, ir.Table] = field(default_factory=dict)
    clusters: ir.Table | None = None
    identity: Identity | None = None
    computing: Computing | None = None

    @classmethod
    async def opened(cls, publication: Publication) -> Self:
        """Until the publication ends."""
        progress = publication.progress  # it stops whoever tells it of an advance, be it none
        opening = Engine.opened(publication.workspace, publication.guid, check=lambda: progress.advance(0))
        return cls(publication, await publication.locks.enter_async_context(opening))

    async def pull(self) -> None:
        """Raise `SourceFaulty` for what nobody can read, `TooManyQuarantined` for more than a share of a table."""
        await staging.index_staging(self.publication.session)  # measures and memberships are staged as ever
        for name, source in self.publication.environment.sources.items():
            await self._pull(self.publication.catalog.get_table(name), source)

    async def _pull(self, table: Table, source: Source) -> None:
        progress, share_max = self.publication.progress, self._raw.quarantine_share_max
        is_file = isinstance(source, FileSource)
        total = await self.engine.run(lambda: files.count_bytes(table, source))
        progress.start(f"Reading {table.name}", total, "bytes" if is_file else "rows")

        def read() -> TableFigures:
            if isinstance(source, DatabaseSource):
                rows = databases.pull_table(self.engine, table, source, progress.advance, share_max=share_max)
                return TableFigures(rows.rows, rows.quarantined, rows.is_unchanged)
            pulled = pull.pull_table(self.engine, table, source, progress.advance, share_max=share_max)
            return TableFigures(pulled.rows, pulled.quarantined, pulled.is_unchanged)

        self.publication.report.tables[table.name] = await self.engine.run(read)

    async def deduplicate(self) -> None:
        by_rule: Counter[str] = Counter()  # rules of two tables may have one name
        self._start("Deduplicating", len(self._raw.unification.deduplications))
        for deduplication in self._raw.unification.deduplications:
            rows, key = self._pulled(deduplication.table), self._table(deduplication.table).primary_key
            found = await self.engine.run(
                lambda: deduplicating.deduplicate(rows, deduplication, primary_key=key)  # noqa: B023 - it is awaited
            )
            self.deduplicated[deduplication.table] = found.winners
            by_rule.update(found.records_by_rule)
            self.publication.progress.advance(1)
        self.publication.report.deduplicated = by_rule

    async def match(self) -> None:
        unification = self._raw.unification
        records = {name: self._keyed(name) for name in unification.tables}
        self._start("Matching", 1)
        matched = await self.engine.run(
            lambda: matching.match(unification, records, self.deduplicated, self.engine.backend)
        )
        self.clusters = matched.clusters
        report = self.publication.report
        report.matched, report.singletons, report.clusters = matched.by_rule, matched.singletons, matched.sizes
        self.publication.progress.advance(1)

    async def merge(self) -> None:
        """Give people their ids and their profiles (S18)."""
        self._start("Unifying", 2)
        before = await earlier.read_identity(self.publication, self.engine)
        clusters = self.clusters
        assert clusters is not None  # see match
        settled = await self.engine.run(lambda: identity.identify(self.engine, clusters, before))
        self.publication.progress.advance(1)
        customers = [
            Customers(self._table(name), self._pulled(name), self.deduplicated.get(name))
            for name in self._raw.unification.tables
        ]
        self.publication.report.columns = await self.engine.run(lambda: self._combine(customers, settled))
        self.identity = settled
        self.publication.progress.advance(1)

    async def enrich(self) -> None:
        """What is asked for, columns and their order included, is what the catalog says."""
        self._start("Enriching", 1)
        catalog, enrichment = self.publication.catalog, self._raw.enrichment
        report = self.publication.report
        ambiguous = await self.engine.run(lambda: enrich.enrich_profiles(self.engine, catalog, enrichment))
        report.ambiguous = ambiguous
        report.profiles = await self.engine.run(lambda: self.engine.count(self.engine.table(enrich.PROFILES)))
        self.publication.progress.advance(1)

    async def write_profiles(self) -> None:
        identity_, customer = self._identity, self.publication.catalog.get_table(CUSTOMER)
        profiles = snapshot_rows.profile_rows(self.engine.table(enrich.PROFILES), customer)
        sources = await self.engine.run(lambda: list(self._source_rows()))
        await publishing.write(self.publication, self.engine, SOURCE_RECORDS, *sources)
        await publishing.write(self.publication, self.engine, PROFILES, profiles)
        for table, frame in ((KEY_RING, identity_.key_ring), (ALIASES, identity_.aliases)):
            await publishing.write(self.publication, self.engine, table, snapshot_rows.key_rows(frame, table))

    async def write_activities(self) -> None:
        tables, key_ring = [table for table in self._sources() if table.activity is not None], self._identity.key_ring
        parts = await self.engine.run(
            lambda: [activities.activity_rows(table, self._pulled(table.name), key_ring) for table in tables]
        )
        counts = await publishing.write(self.publication, self.engine, ACTIVITIES, *parts)
        report = self.publication.report
        for table, rows in zip(tables, counts, strict=True):
            report.activities += rows
            pulled = report.tables[table.name]
            report.without_customer[table.name] = pulled.rows - pulled.quarantined - rows

    async def compute(self, plan: Plan) -> Totals:
        catalog, profiles = self.publication.catalog, self.engine.table(enrich.PROFILES)
        done = {table.name: self._pulled(table.name) for table in self._sources() if table.activity is not None}
        sources = Sources(catalog, profiles, self._identity.key_ring, done)
        computing = self.computing = Computing.of(self.engine, sources, plan)
        self._start("Computing", len(plan.rules))
        for definition, rule in plan.rules:
            await self.engine.run(lambda: computing.add(definition, rule))  # noqa: B023 - it is awaited
            self.publication.progress.advance(1)
        return computing.totals

    async def write_measures(self) -> None:
        computing = self.computing
        parts = [] if computing is None else await self.engine.run(computing.measure_rows)
        self.publication.report.measures = sum(await publishing.write(self.publication, self.engine, MEASURES, *parts))

    async def write_memberships(self) -> None:
        computing = self.computing
        parts = [] if computing is None else await self.engine.run(computing.membership_rows)
        await publishing.write(self.publication, self.engine, MEMBERSHIPS, *parts)
        self.publication.report.segments = 0 if computing is None else len(computing.plan.catalog.defined_segments)

    async def remember(self) -> None:
        await publishing.remember(self.publication, self.engine)

    def _combine(self, customers: list[Customers], settled: Identity) -> dict[str, dict[str, int]]:
        unification = self._raw.unification
        combined = columns.combine(
            self.engine, customers, unification, key_ring=settled.key_ring, previous=settled.previous
        )
        self.engine.keep(enrich.PROFILES, combined.profiles)
        return {name: dict(won) for name, won in combined.won.items()}

    def _source_rows(self) -> Iterator[SnapshotRows]:
        """Of the tables whose records can be read; of what was computed of customers, that of customers there are."""
        for table in (*self._sources(), *self._corrupt()):
            rows = self._pulled(table.name)
            if table.contents in (Contents.ENRICHMENT, Contents.PREDICTION):
                known = outputs.keep_known(rows, self.engine.table(enrich.PROFILES), self._identity.aliases)
                self.publication.report.without_customer[table.name] = _integer(known.without_customer)
                rows = known.rows
            if table.is_kept:
                yield snapshot_rows.source_rows(rows, table)

    def _corrupt(self) -> Iterator[Table]:
        """Where there are no such rows, those of before are closed all the same."""
        figures = self.publication.report.tables
        return (corrupt_rows.corrupt_table(table) for table in self._sources() if figures[table.name].quarantined)

    def _sources(self) -> Iterator[Table]:
        return (self._table(name) for name in self.publication.environment.sources)

    def _table(self, name: str) -> Table:
        return self.publication.catalog.get_table(name)

    def _keyed(self, name: str) -> ir.Table:
        rows = self._pulled(name)
        return rows.mutate(**{matching.KEY: rows[self._table(name).primary_key].cast("string")})

    def _pulled(self, name: str) -> ir.Table:
        return self.engine.table(f"pulled_{name}")

    def _start(self, step: str, total: int) -> None:
        self.publication.progress.start(step, total, "steps")

    @property
    def _raw(self) -> Raw:
        raw = self.publication.environment.raw
        assert raw is not None  # there is no pipeline otherwise
        return raw

    @property
    def _identity(self) -> Identity:
        assert self.identity is not None  # see merge
        return self.identity


def _integer(number: ir.IntegerScalar) -> int:
    return int(number.to_pyarrow().as_py())
