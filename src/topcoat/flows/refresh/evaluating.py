"""Segments and measures of the generation in the making, computed from what it holds and never from a change (S10)."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from topcoat.core import errors
from topcoat.core.catalog import CUSTOMER_ID, CUSTOMER_MEASURE, Catalog
from topcoat.core.insights import plan as plans
from topcoat.core.insights.definition import Definition, Key, Kind
from topcoat.core.insights.evaluated import Evaluated, Totals
from topcoat.core.insights.plan import Evaluation, Plan
from topcoat.core.insights.rows import CustomerRecords
from topcoat.flows import insights
from topcoat.flows.refresh.publication import Publication
from topcoat.store import generations, insight_rows, instances, staging
from topcoat.store.insight_rows import Results


async def evaluate(publication: Publication) -> None:
    """Compute what the definitions come to, beside what came with files; raise `SourceInvalid` where the two clash.

    Where the refresh has made profiles of raw tables, whole tables are asked at once, and else one customer after the
    other, whose results are staged: one meaning, two executions.
    """
    session, catalog = publication.session, publication.catalog
    now = publication.clock.now(publication.stand.service_time)
    async with session.scratch() as connection:
        definitions = await insights.list_definitions(connection, publication.instance_id, now)
    if publication.read_from is None:
        await _stage_ready_made(publication)
    elif not definitions:
        return
    ready_segments = await insight_rows.list_staged_segments(session)
    _refuse_clashes(publication, definitions, catalog, ready_segments)
    plan = plans.make_plan(definitions, catalog, ready_segments, now)
    generation = await publication.begin()
    if publication.steps is None:
        totals = await _evaluate(publication, Evaluation(plan, now), generation)
    else:
        totals = await publication.steps.compute(plan)
    publication.evaluated = _evaluated(plan, totals, generation, now)
    async with session.transaction() as connection:
        await generations.replace_catalog(connection, publication.instance_id, generation, plan.catalog)


async def _stage_ready_made(publication: Publication) -> None:
    session, instance_id = publication.session, publication.instance_id
    async with session.scratch() as connection:
        active = await instances.find_catalog(connection, instance_id, publication.active)
    assert active is not None  # it was there when the publication was opened, and the refresh is owned
    await insight_rows.stage_ready_made(session, instance_id, publication.active, active)
    await staging.index_staging(session)


async def _evaluate(publication: Publication, evaluation: Evaluation, generation: int) -> Totals:
    plan, session = evaluation.plan, publication.session
    publication.progress.start("Computing", publication.report.profiles, "rows")
    chunks = insight_rows.read_customers(
        session, publication.instance_id, generation, plan.activity_tables, plan.catalog.deleted_tables
    )
    ready = [c.name for c in publication.catalog.get_table(CUSTOMER_MEASURE).columns]
    async for customers in chunks:
        await insight_rows.stage_results(session, _results(evaluation, customers, ready))
        publication.progress.advance(len(customers))
    await insight_rows.declare_segments(session, plan.catalog.defined_segments)
    publication.report.measures = await insight_rows.count_measures(session)
    return evaluation.totals


def _results(evaluation: Evaluation, customers: dict[str, CustomerRecords], ready: Sequence[str]) -> Results:
    """What definitions brought before is no longer among the measures."""
    results = Results(min(customers), max(customers))
    for customer_id, customer in customers.items():
        brought = frozenset(customer.segments)
        customer.measures = {name: customer.measures[name] for name in ready if name in customer.measures}
        customer.measures[CUSTOMER_ID] = customer_id
        evaluation.add(customer)
        if customer.measures.keys() - {CUSTOMER_ID}:
            results.measures.append((customer_id, customer.measures))
        results.members += [(segment, customer_id) for segment in customer.segments - brought]
    return results


def _evaluated(plan: Plan, totals: Totals, generation: int, now: datetime) -> list[Evaluated]:
    run_id = str(uuid.uuid4())
    faults = {key: error.message for key, error in plan.faults.items()}

    def one(key: Key, error: str | None) -> Evaluated:
        kind, name = key
        output = totals.outputs.get(name) if kind is Kind.MEASURE else None
        return Evaluated(kind, name, generation, run_id, now, error, totals.counts.get(key), output)

    keys = [*totals.counts, *faults]
    return [one(key, faults.get(key)) for key in keys]


def _refuse_clashes(
    publication: Publication,
    definitions: Sequence[Definition],
    catalog: Catalog,
    ready_segments: dict[str, tuple[int, int]],
) -> None:
    defined = {(d.kind, d.name.casefold()): d for d in definitions}
    for column in catalog.get_table(CUSTOMER_MEASURE).columns:
        if (Kind.MEASURE, column.name.casefold()) in defined:
            file = _measures_file(publication)
            raise errors.SourceInvalid(file=file, line=1, reason=_clash(Kind.MEASURE, column.name))
    for name, (file_number, line) in ready_segments.items():
        if (Kind.SEGMENT, name.casefold()) in defined:
            file = publication.files[file_number]
            raise errors.SourceInvalid(file=file, line=line, reason=_clash(Kind.SEGMENT, name))


def _measures_file(publication: Publication) -> Path:
    """Every instance has the column CustomerId, whether or not there is a file."""
    environment = publication.environment
    file = None if environment.unified is None else environment.unified.measures
    return file or environment.file


def _clash(kind: Kind, name: str) -> str:
    return f"the {kind.value} '{name}' is defined in this instance as well; delete its definition or rename one of them"
