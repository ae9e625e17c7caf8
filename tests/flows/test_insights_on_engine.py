"""Segments and measures over whole tables mean what they mean customer by customer (S10)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import make
from tests.unit.insights.defining import both, condition, either, measure, segment
from topcoat.core import catalog, mapping
from topcoat.core.catalog import (
    CUSTOMER_ID,
    CUSTOMER_MEASURE,
    UNIFIED_ACTIVITY,
    UNIFIED_ACTIVITY_TABLE,
    Catalog,
    Column,
    ColumnType,
    Document,
    Table,
    TableKind,
)
from topcoat.core.insights import aggregates
from topcoat.core.insights import plan as plans
from topcoat.core.insights.definition import Definition
from topcoat.core.insights.evaluated import Totals
from topcoat.core.insights.plan import Evaluation, Plan
from topcoat.core.insights.rows import CustomerRecords
from topcoat.flows.refresh.compute import Computing
from topcoat.flows.refresh.compute.records import Sources
from topcoat.flows.refresh.engine import Engine
from topcoat.store import staging
from topcoat.store.staging import KEY_RING

CUSTOMER = make.table(
    columns=(
        Column(CUSTOMER_ID),
        Column("City"),
        Column("Points", ColumnType.INTEGER),
        Column("Rate", ColumnType.DECIMAL),
        Column("Vip", ColumnType.BOOLEAN),
        Column("Born", ColumnType.DATE),
        Column("Since", ColumnType.DATE_TIME),
    )
)
MEMBERS = "Club_members"
SALES = make.table(
    name="Club_sales",
    kind=TableKind.SOURCE,
    columns=(
        Column("SaleId"),
        Column("Member"),
        Column("SoldOn", ColumnType.DATE_TIME),
        Column("Shop"),
        Column("Amount", ColumnType.DECIMAL),
        Column("Items", ColumnType.INTEGER),
        Column("Gift", ColumnType.BOOLEAN),
        Column("Due", ColumnType.DATE),
    ),
    primary_key="SaleId",
    activity=make.activity_configuration(
        timestamp="SoldOn", customer_column="Member", customer_table=MEMBERS, event="Shop", detail="Amount", url="Shop"
    ),
)
VISITS = make.table(
    name="Club_visits",
    kind=TableKind.SOURCE,
    columns=(Column("Number", ColumnType.INTEGER), Column("Member"), Column("Day", ColumnType.DATE)),
    primary_key="Number",
    activity=make.activity_configuration(
        timestamp="Day", customer_column="Member", customer_table=MEMBERS, event=None, detail=None, url=None
    ),
)
MEASURES = make.table(
    name=CUSTOMER_MEASURE, kind=TableKind.CUSTOMER_MEASURE, columns=(Column(CUSTOMER_ID, is_key=True),)
)
RETURNS = replace(SALES, name="Club_returns")
CATALOG = Catalog((CUSTOMER, UNIFIED_ACTIVITY_TABLE, MEASURES, SALES, VISITS, RETURNS))
ARROW = {
    ColumnType.STRING: pa.string(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.DECIMAL: pa.float64(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.DATE: pa.date32(),
    ColumnType.DATE_TIME: pa.timestamp("us"),
}

Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class World:
    """Typed values by column; customer `c1` is member `m1`."""

    profiles: Rows
    sales: Rows = ()
    visits: Rows = ()


@dataclass(frozen=True)
class Found:
    measures: Mapping[str, Document]
    members: Mapping[str, set[str]]
    totals: Totals


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    backend = ibis.duckdb.connect()
    yield Engine(backend, Path(tmp_path_factory.mktemp("engine")))
    backend.disconnect()


def planned(*definitions: Definition) -> Plan:
    plan = plans.make_plan(definitions, CATALOG, (), make.NOW)
    assert not plan.faults, plan.faults
    return plan


def on_engine(engine: Engine, world: World, plan: Plan) -> Found:
    tables = {name: _frame(engine, name, table, rows) for name, table, rows in _tables(world)}
    ring = [
        dict(zip(KEY_RING.key, (MEMBERS, f"m{p[CUSTOMER_ID][1:]}", p[CUSTOMER_ID]), strict=True))
        for p in world.profiles
    ]
    key_ring = engine.backend.create_table("ring", pa.Table.from_pylist(ring), overwrite=True)
    done = {name: tables[name] for name in (SALES.name, VISITS.name)}
    computing = Computing.of(engine, Sources(CATALOG, tables["Customer"], key_ring, done), plan)
    for definition, rule in plan.rules:
        computing.add(definition, rule)
    documents, rows = (
        {},
        [row for part in computing.measure_rows() for row in part.finish(part.frame).to_pyarrow().to_pylist()],
    )
    for row in rows:
        documents[row["customer_id"]] = json.loads(row["document"])
        assert row["document"] == staging.digested(documents[row["customer_id"]])[1] or "e" in row["document"]
    members: dict[str, set[str]] = {}
    for part in computing.membership_rows():
        for row in part.frame.to_pyarrow().to_pylist():
            members.setdefault(row["segment"], set()).add(row["customer_id"])
    return Found(documents, members, computing.totals)


def one_by_one(world: World, plan: Plan) -> Found:
    """As `evaluating.py` does it, of what real-time posts would leave."""
    evaluation = Evaluation(plan, make.NOW)
    measures: dict[str, Document] = {}
    members: dict[str, set[str]] = {name: {""} for name in plan.catalog.defined_segments}
    for profile in sorted(world.profiles, key=lambda p: p[CUSTOMER_ID]):
        customer_id = profile[CUSTOMER_ID]
        customer = CustomerRecords(
            _document(CUSTOMER, profile), _activities(world, customer_id), {CUSTOMER_ID: customer_id}
        )
        evaluation.add(customer)
        if customer.measures.keys() != {CUSTOMER_ID}:
            measures[customer_id] = customer.measures
        for name in customer.segments:
            members[name].add(customer_id)
    return Found(measures, members, evaluation.totals)


def _tables(world: World) -> list[tuple[str, Table, Rows]]:
    return [
        ("Customer", CUSTOMER, world.profiles),
        (SALES.name, SALES, world.sales),
        (VISITS.name, VISITS, world.visits),
    ]


def _frame(engine: Engine, name: str, table: Table, rows: Rows) -> Any:
    schema = pa.schema([(column.name, ARROW[column.type]) for column in table.columns])
    filled = [dict.fromkeys(schema.names) | row for row in rows]
    return engine.backend.create_table(name, pa.Table.from_pylist(filled, schema=schema), overwrite=True)


def _document(table: Table, row: dict[str, Any]) -> Document:
    def canonical(value: Any) -> Any:
        match value:
            case datetime():
                return value.isoformat() + "Z"
            case date():
                return value.isoformat()
            case _:
                return value

    return catalog.validate_columns(table, {name: canonical(v) for name, v in row.items() if v is not None})


def _activities(world: World, customer_id: str) -> dict[str, list[Document]]:
    found = []
    for table, rows in ((SALES, world.sales), (VISITS, world.visits)):
        for row in rows:
            if row["Member"] == f"m{customer_id[1:]}" and row[table.activity.timestamp] is not None:  # type: ignore[union-attr]
                activity = mapping.map_source_record(table, _document(table, row)).document
                found.append((activity["ActivityTime"], activity["ActivityId"], table.name, activity))
    activities: dict[str, list[Document]] = {}
    for *_, table_name, activity in sorted(found, key=lambda each: (datetime.fromisoformat(each[0]), each[1])):
        activities.setdefault(UNIFIED_ACTIVITY, []).append(activity | {CUSTOMER_ID: customer_id})
        activities.setdefault(table_name, []).append(json.loads(activity["SemanticData"]))
    return activities


def assert_agreed(engine: Engine, world: World, *definitions: Definition) -> Found:
    plan = planned(*definitions)
    expected, found = one_by_one(world, plan), on_engine(engine, world, plan)
    assert _typed(found.measures) == _typed(expected.measures)
    assert found.members == expected.members
    assert found.totals == expected.totals
    return found


def _typed(measures: Mapping[str, Document]) -> dict[str, Any]:
    return {customer: {name: (type(v), v, str(v)) for name, v in one.items()} for customer, one in measures.items()}


TEXTS = ["", "Oslo", "oslo", "ÅSE", "åse", "İ", "ß", "a'b\\", "line\nbreak\t\x1f", "\U0001f600", "Os", "lo"]
INTEGERS = [0, 1, -1, 5, 2**53 + 1, 2**63 - 1, -(2**63)]
DECIMALS = [0.0, -0.0, 0.1, 0.2, 0.30000000000000004, 5.0, 12.5, -1e9, 999999999.9999999, 1e-7, 1e16, 1.7e308,
            0.00012345678901234567]  # fmt: skip
NUMBERS = ["0", "0.1", "0.3", "5", "12.50", "-1e9", "9007199254740993", "9223372036854775808", "-1e19", "1e-400",
           "0.10000000000000000000000001", "4.9999999999999999999", "1.7e308", "2024"]  # fmt: skip
DATES = [date(1, 1, 1), date(1990, 5, 17), date(2024, 2, 29), date(2026, 1, 1), date(2026, 11, 24), date(9999, 12, 31)]
INSTANTS = [datetime(1, 1, 1), datetime(2024, 2, 29, 23, 59, 59, 999999), datetime(2026, 1, 1),
            datetime(2026, 11, 24, 12), datetime(2026, 11, 24, 12, 0, 0, 1)]  # fmt: skip
POOLS: dict[ColumnType, Sequence[Any]] = {
    ColumnType.STRING: TEXTS,
    ColumnType.INTEGER: INTEGERS,
    ColumnType.DECIMAL: DECIMALS,
    ColumnType.BOOLEAN: [True, False],
    ColumnType.DATE: DATES,
    ColumnType.DATE_TIME: INSTANTS,
}
WRITTEN: dict[ColumnType, Sequence[str]] = {
    ColumnType.STRING: TEXTS,
    ColumnType.INTEGER: NUMBERS,
    ColumnType.DECIMAL: NUMBERS,
    ColumnType.BOOLEAN: ["true", "false"],
    ColumnType.DATE: [day.isoformat() for day in DATES],
    ColumnType.DATE_TIME: [
        "2026-01-01",
        "2024-02-29T23:59:59.999999Z",
        "2026-11-24T13:00:00+01:00",
        "0001-01-01T00:00Z",
    ],
}
_ORDERED = ["greaterThan", "greaterThanOrEqualTo", "lessThan", "lessThanOrEqualTo", "isBetween", "isNotBetween"]
DATE_PARTS = ["dayOf", "monthOf", "yearOf"]
_DATED = [*_ORDERED, "isWithinLast", "yearToDate", *DATE_PARTS]
OPERATORS: dict[ColumnType, Sequence[str]] = {
    ColumnType.STRING: [*_ORDERED, "contains", "startsWith", "endsWith"],
    ColumnType.INTEGER: _ORDERED,
    ColumnType.DECIMAL: _ORDERED,
    ColumnType.BOOLEAN: [],
    ColumnType.DATE: _DATED,
    ColumnType.DATE_TIME: _DATED,
}
ANY_TYPE = ["equals", "notEquals", "isIn", "isNull", "isNotNull"]
SEGMENTS = ("S0", "S1")


def _draw_row(draw: Any, table: Table) -> dict[str, Any]:
    return {c.name: draw(st.none() | st.sampled_from(POOLS[c.type])) for c in table.columns}


@st.composite
def worlds(draw: Any) -> World:
    ids = [f"c{number}" for number in range(draw(st.integers(1, 4)))]
    of = st.sampled_from(["m0", "m1", "m2", "m3", "nobody"])
    sales = [_draw_row(draw, SALES) | {"SaleId": f"s{n}", "Member": draw(of)} for n in range(draw(st.integers(0, 8)))]
    visits = [_draw_row(draw, VISITS) | {"Number": n, "Member": draw(of)} for n in range(draw(st.integers(0, 3)))]
    return World([_draw_row(draw, CUSTOMER) | {CUSTOMER_ID: one} for one in ids], sales, visits)


@st.composite
def leaves(draw: Any, tables: Sequence[Table], segments: Sequence[str]) -> Document:
    if segments and draw(st.integers(0, 4)) == 0:
        operator = draw(st.sampled_from(["equals", "notEquals", "isIn"]))
        return condition("IsMemberOfSegment", operator, draw(st.sampled_from(segments)), listOfValues=list(segments))
    table = draw(st.sampled_from(tables))
    column = draw(st.sampled_from(table.columns))
    operator = draw(st.sampled_from([*ANY_TYPE, *OPERATORS[column.type]]))
    written = st.sampled_from(WRITTEN[column.type])
    value, count = draw(written), 2 if operator.endswith("Between") else draw(st.integers(1, 3))
    if operator in DATE_PARTS:
        value = draw(st.sampled_from(["1", "2", "24", "2026", "2.5"]))
    if operator == "isWithinLast":
        value = draw(st.sampled_from(["P1D", "P365D", "PT1S"]))
    more = {"listOfValues": [draw(written) for _ in range(count)], "ignoreCase": draw(st.booleans())}
    return condition(f"{table.name}.{column.name}", operator, value, **more)


def criteria(tables: Sequence[Table], segments: Sequence[str]) -> st.SearchStrategy[Document]:
    joined = st.sampled_from([both, either])
    return st.recursive(
        leaves(tables, segments),
        lambda inner: st.builds(lambda join, terms: join(*terms), joined, st.lists(inner, min_size=2, max_size=3)),
        max_leaves=4,
    )


@st.composite
def definitions(draw: Any) -> list[Definition]:
    """Each may lean on those before it."""
    made: list[Definition] = []
    plan = planned()
    for place in range(draw(st.integers(1, 5))):
        one_each = [CUSTOMER, plan.catalog.get_table(CUSTOMER_MEASURE)]
        activities = draw(st.sampled_from([None, SALES, VISITS, UNIFIED_ACTIVITY_TABLE]))
        tables = one_each if activities is None else [*one_each, activities, activities]
        where = criteria(tables, plan.catalog.defined_segments)
        made.append(_draw_definition(draw, place, one_each if activities is None else [activities], where))
        plan = planned(*made)
    return made


def _draw_definition(draw: Any, place: int, tables: Sequence[Table], where: Any) -> Definition:
    if draw(st.booleans()):
        operations = st.sampled_from(["union", "include", "intersect", "except", "exclude"])
        rowsets = draw(st.lists(st.tuples(operations, where), min_size=1, max_size=3))
        return segment(f"S{place}", *rowsets, is_active=draw(st.integers(0, 9)) > 0)
    is_scalar = draw(st.integers(0, 3)) == 0
    column = draw(st.sampled_from(draw(st.sampled_from(tables)).columns))
    operations = ["count"]
    if column.type in (ColumnType.INTEGER, ColumnType.DECIMAL):
        operations += ["sum", "avg"] * 2
    if column.type is not ColumnType.BOOLEAN:
        operations += ["min", "max"]
    if not is_scalar:
        operations += ["countDistinct", "first", "last"]
    table = next(table for table in tables if column in table.columns)
    more: Document = {"kind": "entity"} if is_scalar else {}
    name, operation = f"M{place}", draw(st.sampled_from(operations))
    return measure(name, operation, column.name, table.name, draw(st.none() | where), **more)


@settings(max_examples=settings().max_examples // 10)
@given(world=worlds(), drawn=definitions())
def test_both_executions_agree(engine: Engine, world: World, drawn: list[Definition]) -> None:
    assert_agreed(engine, world, *drawn)


def sale(number: int, member: int = 0, at: datetime = INSTANTS[3], **values: Any) -> dict[str, Any]:
    return {"SaleId": f"s{number}", "Member": f"m{member}", "SoldOn": at, **values}


def person(number: int = 0, **values: Any) -> dict[str, Any]:
    return {CUSTOMER_ID: f"c{number}", **values}


EVERY_KIND = World(
    profiles=[
        person(0, City="Oslo", Points=5, Rate=0.1, Vip=True, Born=DATES[2], Since=INSTANTS[1]),
        person(1, City="ÅSE", Points=-1, Rate=-0.0, Vip=False, Born=DATES[4], Since=INSTANTS[3]),
        person(2),
    ],
    sales=[
        sale(1, 0, Shop="Pier", Amount=0.1, Items=2, Gift=True, Due=DATES[1]),
        sale(2, 0, Shop="Quay", Amount=0.2, Items=3, Gift=False, Due=DATES[2]),
        sale(3, 1, INSTANTS[1], Shop="Pier", Amount=1e300, Items=2**63 - 1),
        sale(4, 1, INSTANTS[2], Amount=-0.0, Items=1),
        sale(5, 1, INSTANTS[4], Amount=-1e300, Items=-5),
        sale(6, 3, Amount=7.5),
        sale(7, 1, None, Amount=7.5),  # type: ignore[arg-type]  # it has no time
    ],
    visits=[{"Number": 7, "Member": "m0", "Day": DATES[3]}],
)


def test_every_column_of_unified_activities_agrees(engine: Engine) -> None:
    """Those of a table whose time is a date, and whose key is a number, among them."""
    columns = UNIFIED_ACTIVITY_TABLE.columns
    each = [measure(f"M{place}", "max", column.name) for place, column in enumerate(columns)]

    found = assert_agreed(engine, EVERY_KIND, *each, measure("Last", "last", "SemanticData"))

    assert len(found.measures["c0"]) == len(columns) + 2


@pytest.mark.parametrize(
    ("table", "columns"),
    [(SALES, SALES.columns[2:]), (CUSTOMER, CUSTOMER.columns[1:3])],
    ids=["activities", "profiles"],
)
def test_every_aggregate_of_every_type_agrees(engine: Engine, table: Table, columns: Sequence[Column]) -> None:
    """Some sums of these grow too large on their way: 2**63 with the next item, and 1e300 has too many digits."""
    names = {ColumnType.BOOLEAN: ["count", "countDistinct", "first", "last"], ColumnType.INTEGER: aggregates.OPERATIONS}
    names |= dict.fromkeys((ColumnType.DECIMAL,), aggregates.OPERATIONS)
    usual = ["count", "countDistinct", "min", "max", "first", "last"]
    pairs = [(operation, column.name) for column in columns for operation in names.get(column.type, usual)]
    each = [measure(f"M{place}", *pair, table.name) for place, pair in enumerate(pairs)]
    mergeable = [(o, c) for o, c in pairs if aggregates.OPERATIONS[o].is_mergeable]
    listed = [{"operation": o, "field": c, "alias": f"{o} of {c}"} for o, c in [("count", None), *mergeable]]

    found = assert_agreed(
        engine, EVERY_KIND, *each, measure("All", None, None, table.name, kind="entity", aggregates=listed)
    )

    assert found.totals.outputs["All"]["count of None"] > 0


@pytest.mark.parametrize("column", CUSTOMER.columns[1:], ids=lambda column: column.type.value)
def test_every_condition_on_every_type_agrees(engine: Engine, column: Column) -> None:
    given = [
        condition(column.name, operator, value, listOfValues=[value, written[0]], ignoreCase=True)
        for written in [WRITTEN[column.type]]
        for operator in [*ANY_TYPE, *OPERATORS[column.type]]
        for value in _written_for(operator, written)
    ]
    joined = [either(*given[place::7]) for place in range(7)]

    assert_agreed(
        engine,
        EVERY_KIND,
        *(segment(f"S{place}", both(*given[place : place + 2])) for place in range(7)),
        segment("All", *joined),
    )


def _written_for(operator: str, usual: Sequence[str]) -> Sequence[str]:
    return ["P900D"] if operator == "isWithinLast" else ["24", "2.5"] if operator in DATE_PARTS else usual[:5]


def test_of_activities_at_one_time_the_lowest_id_is_first(engine: Engine) -> None:
    sales = [sale(number, Shop=f"shop {number}") for number in range(20)]

    found = assert_agreed(
        engine,
        World([person()], sales),
        measure("First", "first", "Shop", SALES.name),
        measure("Last", "last", "Shop", SALES.name),
    )

    ids = {mapping.deterministic_activity_id(SALES.name, row["SaleId"]): row["Shop"] for row in sales}
    assert found.measures["c0"]["First"] == ids[min(ids)]
    assert found.measures["c0"]["Last"] == ids[max(ids)]


def test_of_a_table_without_a_source_there_are_no_activities(engine: Engine) -> None:
    """They come in real time alone."""
    found = assert_agreed(
        engine,
        EVERY_KIND,
        measure("Number", "count", "Items", RETURNS.name),
        measure("Last", "last", "Items", RETURNS.name),
        segment("Some", condition(f"{RETURNS.name}.Shop", "isNull")),
    )

    assert found.measures["c0"] == {CUSTOMER_ID: "c0", "Number": 0}
    assert found.members["Some"] == {""}


@pytest.mark.unmeasured
def test_definitions_may_lean_on_very_many_others(engine: Engine) -> None:
    given = [measure(f"M{place}", "sum", "Items", SALES.name) for place in range(20)]
    gold = [segment(f"S{place}", condition(f"Customer_Measure.M{place}", "isNotNull")) for place in range(20)]
    names = [one.name for one in gold]
    in_all = both(*(condition("IsMemberOfSegment", "equals", name) for name in names))

    found = assert_agreed(
        engine, World([person(), person(1)], [sale(1, 1, Items=2)]), *given, *gold, segment("All", in_all)
    )

    assert found.members["All"] == {"", "c1"}


@pytest.mark.unmeasured
def test_conditions_may_be_deep_and_wide(engine: Engine) -> None:
    tree = either(*(condition("Points", "equals", str(number)) for number in range(900)))
    for number in range(90):
        join = both if number % 2 else either
        tree = join(tree, condition("Points", "notEquals", str(number)))

    found = assert_agreed(engine, World([person(Points=899), person(1, Points=1)]), segment("S", tree))

    assert "c0" in found.members["S"]
