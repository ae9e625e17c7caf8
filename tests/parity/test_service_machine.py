"""Whatever is written, published, undone and waited for, every read is that of the model (S1-S29)."""

import asyncio
import json
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.conftest import IS_THOROUGH, Service, open_service
from tests.parity import questions, reference, worlds
from tests.parity.asking import Asker
from tests.parity.questions import Question
from tests.parity.service_model import ServiceModel
from tests.parity.worlds import CUSTOMERS, IDS, MEASURES, SEGMENTS, Generation, Refresh
from topcoat.core import catalog, errors
from topcoat.core.catalog import CUSTOMER, UNIFIED_ACTIVITY, UNIFIED_ACTIVITY_TABLE, Column, Document
from topcoat.core.odata.address import RecordAddress
from topcoat.core.odata.options import QueryOptions
from topcoat.flows.ingest import Write
from topcoat.flows.query import gathering, plan
from topcoat.flows.refresh import publish
from topcoat.flows.refresh.environment import load_environment

EXAMPLES, STEPS = (150, 40) if IS_THOROUGH else (10, 15)
IDS_NAMED = st.sampled_from(IDS)
LIFETIMES = st.sampled_from([timedelta(microseconds=1), timedelta(hours=1), timedelta(hours=5), timedelta(days=30)])
MOMENTS = st.sampled_from(
    [timedelta(0), timedelta(hours=1), timedelta(hours=4), timedelta(hours=20), timedelta(days=3)]
)
AGES = st.none() | st.sampled_from([timedelta(hours=hours) for hours in (-200, -30, -5, -4, -1, 0, 1, 5, 29 * 24)])


def environment_text(guid: str) -> str:
    def declared(columns: Iterable[Column]) -> dict[str, str]:
        return {column.name: column.type.value for column in columns}

    visits = {"VisitId": "string", "MemberId": "string", "VisitedOn": "date-time"}
    document = {
        "instance": {"id": guid, "name": "Drawn"},
        "tables": {
            "Web_visits": {"primary_key": "VisitId", "columns": visits},
            "Club_members": {"primary_key": "MemberId", "columns": {"MemberId": "string"}},
        },
        "activities": {
            "Web_visits": {
                "name": "Visit",
                "type": "Other",
                "timestamp": "VisitedOn",
                "customer": {"column": "MemberId", "table": "Club_members"},
                "timeline": False,
            }
        },
        "unified": {
            "customer": {
                "file": "customers.jsonl",
                "columns": declared(CUSTOMERS.columns) | {"PreviousCustomerId": "string"},
            },
            "activities": [{"file": "activities.jsonl"}],
            "measures": {"file": "measures.jsonl", "columns": declared(MEASURES.columns)},
            "segments": {"file": "segments.jsonl"},
        },
    }
    return json.dumps(document)


def write_files(folder: Path, guid: str, stated: Generation) -> Path:
    rows: dict[str, list[Document]] = {
        "customers": [{"CustomerId": i, **document} for i, document in stated.profiles.items()],
        "activities": [
            {"ActivityId": activity_id, "CustomerId": i, **document}
            for (activity_id, i), document in stated.activities.items()
        ],
        "measures": [{"CustomerId": i, **document} for i, document in stated.measures.items()],
        "segments": [{"Segment": segment} for segment in SEGMENTS]
        + [{"Segment": segment, "CustomerId": i} for segment, i in stated.members],
    }
    for name, records in rows.items():
        text = "".join(json.dumps(record) + "\n" for record in records)
        (folder / f"{name}.jsonl").write_text(text or "\n")
    file = folder / "environment.yaml"
    file.write_text(environment_text(guid))
    return file


@dataclass
class Bench:
    """What the examples of one run share: a service on one database, on which each has an instance of its own."""

    runner: asyncio.Runner
    service: Service
    asker: Asker
    folder: Path

    def refused(self, modelled: Callable[[], Any], real: Any) -> None:
        """Do both, and expect the same of them."""
        expected = outcome(modelled)
        assert outcome(lambda: self.runner.run(real)) == expected


def outcome(action: Callable[[], Any]) -> type[errors.TopcoatError] | None:
    try:
        action()
    except errors.TopcoatError as error:
        return type(error)
    return None


class ServiceMachine(RuleBasedStateMachine):
    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        self.guid = str(uuid.uuid4())

    def run(self, coroutine: Any) -> Any:
        return self.bench.runner.run(coroutine)

    @property
    def flows(self) -> Any:
        return self.bench.service.flows

    @initialize(brought=worlds.refreshes)
    def begin(self, brought: Refresh) -> None:
        now = self.run(self.flows.service_clock.read()).now
        nothing = Generation(0, now, None, {}, {}, frozenset(), {}, {})
        known = load_environment(write_files(self.bench.folder, self.guid, nothing)).catalog
        self.model = ServiceModel.at(now, known)
        self.refresh(brought)

    @rule(brought=worlds.refreshes)
    def refresh(self, brought: Refresh) -> None:
        stated = self.model.refresh(brought)
        file = write_files(self.bench.folder, self.guid, stated)
        report = self.run(self.bench.service.refresh(file))
        assert report.generation == stated.number

    @rule()
    def undo(self) -> None:
        service = self.bench.service
        self.bench.refused(self.model.undo, publish.undo_refresh(service.store, service.clock, self.guid))

    @rule(duration=MOMENTS)
    def advance(self, duration: timedelta) -> None:
        self.model.advance(duration)
        self.run(self.bench.service.advance(duration))

    @rule(customer_id=IDS_NAMED, columns=worlds.documents(CUSTOMERS, has_nulls=True).filter(bool), valid_for=LIFETIMES)
    def override(self, customer_id: str, columns: Document, valid_for: timedelta) -> None:
        write = self._write(valid_for)
        real = self.flows.ingest.override_profile(self.guid, CUSTOMER, customer_id, columns, write)
        self.bench.refused(lambda: self.model.override(customer_id, columns, valid_for), real)

    @rule(
        activity_id=worlds.activity_ids,
        customer_id=IDS_NAMED,
        document=worlds.activity_documents,
        valid_for=LIFETIMES,
    )
    def ingest(self, activity_id: str, customer_id: str, document: Document, valid_for: timedelta) -> None:
        record = document | {"ActivityId": activity_id, "CustomerId": customer_id}
        real = self.flows.ingest.ingest_activity(self.guid, UNIFIED_ACTIVITY, record, self._write(valid_for))
        self.bench.refused(lambda: self.model.ingest(activity_id, customer_id, document, valid_for), real)

    @rule(customer_id=IDS_NAMED, which=st.integers(0, 3))
    def withdraw(self, customer_id: str, which: int) -> None:
        if outcome(lambda: self.model.live_changes(customer_id)) is not None:
            return
        live = self.model.live_changes(customer_id)
        listed = [one.change for one in self.run(self.flows.query.list_changes(self.guid, customer_id))]
        assert [(c.customer_id, c.columns, c.valid_until) for c in listed] == [
            (c.customer_id, c.columns, c.valid_until) for c in live
        ]
        if live:
            place = which % len(live)
            self.model.withdraw(live[place])
            self.run(self.flows.ingest.withdraw_change(self.guid, listed[place].sequence, self._write(None)))

    @rule(customer_id=IDS_NAMED, age=AGES)
    def read_one(self, customer_id: str, age: timedelta | None) -> None:
        """By its key, whichever of its ids that is."""
        as_of = None if age is None else self.model.world.now + age
        address = RecordAddress(table=CUSTOMER, key=customer_id, navigation=None, is_count=False)
        options = QueryOptions(as_of=None if as_of is None else as_of.isoformat())
        real = self.bench.asker.query.read_record(self.guid, address, options)
        if not self.model.world.sees(as_of):
            self.bench.refused(self._not_kept, real)
            return
        generation, view = self.model.world.view(as_of)
        survivor = generation.survivor(customer_id)
        if survivor not in generation.profiles:
            self.bench.refused(self._not_found, real)
            return
        expected = reference.merged_profile(self.model.world, generation, view, survivor)
        assert reference.canonical(self.run(real)) == reference.canonical(expected)

    @rule(
        asked=st.one_of([questions.questions(table) for table in (CUSTOMERS, UNIFIED_ACTIVITY_TABLE, MEASURES)]),
        age=AGES,
    )
    def read_many(self, asked: Question, age: timedelta | None) -> None:
        self._read(asked, age)

    @invariant()
    def shows_everything_as_the_model_does(self) -> None:
        for table in (CUSTOMERS, UNIFIED_ACTIVITY_TABLE, MEASURES):
            self._read(Question(table), None)

    def _read(self, asked: Question, age: timedelta | None) -> None:
        as_of = None if age is None else self.model.world.now + age
        table = self.model.world.catalog.get_table(asked.table.name)
        indexed = replace(asked.indexed, has_tokens=False)  # a refresh keeps them where they are configured
        question = replace(asked, table=table, as_of=as_of, indexed=indexed)
        note(f"{table.name}: {list(question.options())}")
        real = self.bench.asker.pages(self.guid, question)
        if not reference.is_answered(self.model.world, question):
            self.bench.refused(self._not_found if self.model.world.sees(as_of) else self._not_kept, real)
            return
        expected, count = reference.answer(self.model.world, question)
        pages, counts = self.run(real)
        found = [reference.canonical(record) for page in pages for record in page]
        assert found == [reference.canonical(record) for record in expected]
        assert counts == {count}

    def _write(self, valid_for: timedelta | None) -> Write:
        until = None if valid_for is None else catalog.format_instant(self.model.world.now + valid_for)
        return Write(valid_until=until, caller="tests", principal="tests")

    @staticmethod
    def _not_kept() -> None:
        raise errors.InstantNotKept(as_of="", reason="")

    @staticmethod
    def _not_found() -> None:
        raise errors.RecordNotFound(table=CUSTOMER, record_id="")


def test_every_read_is_that_of_the_model_whatever_came_before(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2, S7-S9, S12-S18, S20-S28: on one clock that only moves forward."""
    monkeypatch.setattr(plan, "PAGE_DEFAULT", 3)
    monkeypatch.setattr(gathering, "CHUNK_MAX", 4)
    with asyncio.Runner() as runner:
        opened = open_service(database_url)
        service = runner.run(opened.__aenter__())
        bench = Bench(runner, service, Asker(service), tmp_path)
        try:
            run_state_machine_as_test(
                lambda: ServiceMachine(bench), settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS)
            )
        finally:
            runner.run(opened.__aexit__(None, None, None))
