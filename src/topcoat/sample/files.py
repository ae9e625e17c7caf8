"""Contoso Coffee on disk: written person by person, so that its size does not matter to memory."""

import csv
import random
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from topcoat.core.catalog import Document, Table
from topcoat.sample import activities, environment_text, insights, people, records, tables
from topcoat.sample.activities import Journal
from topcoat.sample.people import Person

ENVIRONMENT_FILE: Final = "contoso.yaml"
RAW_ENVIRONMENT_FILE: Final = "raw.yaml"
TRUTH_FILE: Final = "truth.csv"
SIZE: Final = 1000

_SEED: Final = 20261031


def write_sample(folder: Path, size: int = SIZE, *, keeps_sources: bool = True) -> Path:
    """Write Contoso Coffee with that many customers and return its environment file; same size, same bytes.

    Beside it is the one of its raw tables. Whether a refresh keeps the records of the source tables is the environment
    file's to say.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(_SEED)
    with ExitStack() as stack:
        files = _Files(folder, stack)
        for segment in insights.SEGMENTS:
            files.write_segment(segment)
        journal = Journal(chance)
        for person in people.make_people(size, chance):
            _write_person(files, person, journal, chance)
    environment = folder / ENVIRONMENT_FILE
    text = environment_text.environment_text(keeps_sources=keeps_sources)
    environment.write_text(text, encoding="utf-8", newline="\n")
    raw = folder / RAW_ENVIRONMENT_FILE
    raw.write_text(environment_text.raw_environment_text(), encoding="utf-8", newline="\n")
    return environment


class _Files:
    """The open files; records are written in the columns of their table."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._customers = _CsvFile(folder / environment_text.CUSTOMERS_FILE, tables.CUSTOMER_COLUMNS, stack)
        self._key_ring = _CsvFile(folder / environment_text.KEY_RING_FILE, tables.KEY_RING_COLUMNS, stack)
        self._measures = _CsvFile(folder / environment_text.MEASURES_FILE, tables.MEASURE_COLUMNS, stack)
        self._segments = _CsvFile(folder / environment_text.SEGMENTS_FILE, tables.SEGMENT_COLUMNS, stack)
        self._truth = _CsvFile(folder / TRUTH_FILE, tables.TRUTH_COLUMNS, stack)
        self._sources = {
            table.name: _CsvFile(folder / environment_text.source_file(table), table.columns_by_name, stack)
            for table in (*tables.SOURCES, tables.ACCOUNTS)
        }
        path = folder / environment_text.ACTIVITIES_FILE
        self._activities: BinaryIO = stack.enter_context(path.open("wb"))

    def write_customer(self, profile: Document) -> None:
        self._customers.write(profile)

    def write_source(self, table: Table, record: Document) -> None:
        self._sources[table.name].write(record)

    def write_activity(self, document: Document) -> None:
        self._activities.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))

    def write_measures(self, measures: Document) -> None:
        self._measures.write(measures)

    def write_segment(self, segment: str, customer_id: str | None = None) -> None:
        """Without a customer the row says only that the segment exists."""
        self._segments.write({"Segment": segment, "CustomerId": customer_id})

    def write_key(self, table: str, key: str, person: Person) -> None:
        self._key_ring.write({"Table": table, "Key": key, "CustomerId": person.customer_id})
        self._truth.write({"Table": table, "Key": key, "Person": person.number})


class _CsvFile:
    def __init__(self, path: Path, columns: Iterable[str], stack: ExitStack) -> None:
        self._columns = tuple(columns)
        opened = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
        self._writer = csv.writer(opened, lineterminator="\n")
        self._writer.writerow(self._columns)

    def write(self, record: Document) -> None:
        self._writer.writerow([_text(record.get(name)) for name in self._columns])


def _text(value: Any) -> Any:
    """The CSV text of a value; amounts have two decimals, booleans their JSON spelling."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.2f}"
        case _:
            return value


def _write_person(files: _Files, person: Person, journal: Journal, chance: random.Random) -> None:
    """Purchases come first, because the points of the loyalty scheme follow from them."""
    purchases = journal.make_purchases(person) if person.is_member else []
    orders = journal.make_orders(person) if person.is_contact else []
    reviews = journal.make_reviews(person) if person.is_contact else []
    contact = records.make_contact(person, chance) if person.is_contact else None
    points = activities.spent_cents(purchases, []) // 10
    member = records.make_member(person, points, chance) if person.is_member else None
    if contact is not None:
        files.write_source(tables.CONTACTS, contact)
    for table, record in activities.by_table(member, purchases, orders, reviews):
        files.write_source(table, record)
        files.write_activity(activities.unify_activity(table, record, person.customer_id))
    for table_name, key in records.key_ring(contact, member):
        files.write_key(table_name, key, person)
    profile = records.unify(person, contact, member, activities.spent_cents(purchases, orders))
    files.write_customer(profile)
    files.write_source(tables.ACCOUNTS, records.make_account(person, profile["TotalSpend"]))
    measures = insights.measure(person.customer_id, purchases, orders)
    files.write_measures(measures)
    for segment in insights.segments_of(profile, measures):
        files.write_segment(segment, person.customer_id)
