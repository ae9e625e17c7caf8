"""Measures and segments together: what each customer gets, in which order, and what is left out."""

from decimal import Decimal
from typing import Any

import pytest

from tests import make
from tests.unit.insights.defining import (
    PURCHASES,
    both,
    condition,
    evaluated,
    fault_of,
    measure,
    planned,
    purchases,
    segment,
)
from topcoat.core import errors
from topcoat.core.catalog import ColumnType, Document
from topcoat.core.insights import definition as definitions
from topcoat.core.insights import plan as plans
from topcoat.core.insights.definition import Definition, Kind
from topcoat.core.insights.plan import Evaluation
from topcoat.core.insights.rows import CustomerRecords

BOUGHT = [
    make.purchase(PurchaseId="P-1", TotalAmount=0.1, PurchasedOn="2026-01-01T00:00:00Z"),
    make.purchase(PurchaseId="P-2", TotalAmount=0.2, PurchasedOn="2026-02-01T00:00:00Z", StoreName="Harbour"),
    make.purchase(PurchaseId="P-3", TotalAmount=None, PurchasedOn="2026-03-01T00:00:00Z"),
]
ACTIVITIES = {"UnifiedActivity": purchases(*BOUGHT), PURCHASES.name: BOUGHT}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (measure("M", "sum", "TotalAmount", PURCHASES.name), 0.3),
        (measure("M", "avg", "TotalAmount", PURCHASES.name), 0.15),
        (measure("M", "min", "TotalAmount", PURCHASES.name), 0.1),
        (measure("M", "max", "PurchasedOn", PURCHASES.name), "2026-03-01T00:00:00Z"),
        (measure("M", "count", "TotalAmount", PURCHASES.name), 2),
        (measure("M", "count", None, PURCHASES.name), 3),
        (measure("M", "count", "*"), 3),
        (measure("M", "countDistinct", "StoreName", PURCHASES.name), 2),
        (measure("M", "first", "ActivityId"), "P-1"),
        (measure("M", "last", "TotalAmount", PURCHASES.name), 0.2),
        (measure("M", "last", "UnifiedActivity.ActivityTime"), "2026-03-01T00:00:00Z"),
        (measure("M", "sum", "TotalAmount", PURCHASES.name, condition("StoreName", "equals", "Harbour")), 0.2),
        (measure("M", "count", None, "UnifiedActivity", condition("Customer.City", "equals", "Paris")), 0),
        (measure("M", "sum", "RewardsPoints", "Customer"), 120),
        (measure("M", "avg", "RewardsPoints", None), 120.0),
        (measure("M", "max", "DateOfBirth", None), "1990-05-17"),
        (measure("M", "sum", "ReadySpend", "Customer_Measure"), 12.5),
        (measure("M", "first", "EmailOptIn", None), True),
    ],
)
def test_a_measure_is_computed_from_activities_or_columns(given: Definition, expected: Any) -> None:
    profile = make.profile(DateOfBirth="1990-05-17", EmailOptIn=True)

    measures, _, evaluation = evaluated(given, profile=profile, activities=ACTIVITIES, measures={"ReadySpend": 12.5})

    assert measures["M"] == expected
    assert type(measures["M"]) is type(expected)
    assert evaluation.counts == {(Kind.MEASURE, "M"): 1}


def test_without_any_value_there_is_none() -> None:
    measures, _, evaluation = evaluated(measure("Spent", "sum", "TotalAmount", PURCHASES.name), measure("N", "count"))

    assert measures == {"N": 0}
    assert evaluation.counts[(Kind.MEASURE, "Spent")] == 0


@pytest.mark.parametrize("operation", ["sum", "avg"])
def test_what_no_column_can_hold_is_left_out(operation: str) -> None:
    most = make.profile(RewardsPoints=2**63 - 1, TotalSpend=1.7e308)
    twice = measure("M", operation, "TotalSpend", "Customer", kind="entity")
    evaluation = Evaluation(planned(twice, measure("N", "sum", "RewardsPoints", None, kind="entity")), make.NOW)

    for _ in range(3):
        evaluation.add(CustomerRecords(profile=most, activities={}))

    assert evaluation.totals.outputs["M"] == {operation: None}
    assert evaluation.totals.outputs["N"] == {"sum": None}


def test_a_scalar_measure_is_of_all_customers_at_once() -> None:
    of_paris = condition("City", "equals", "Paris")
    aggregates = [{"operation": "count", "alias": "Customers"}, {"operation": "avg", "field": "RewardsPoints"}]
    of_all = measure("M", None, None, None, of_paris, kind="entity", aggregates=aggregates)
    evaluation = Evaluation(planned(of_all, measure("Each", "count", None, "Customer")), make.NOW)

    for points, city in ((10, "Paris"), (20, "Paris"), (60, "Rome")):
        evaluation.add(CustomerRecords(profile=make.profile(City=city, RewardsPoints=points), activities={}))

    assert evaluation.totals.outputs["M"] == {"Customers": 2, "avg": 15.0}
    assert evaluation.totals.outputs.keys() == {"M"}
    assert evaluation.totals.counts == {(Kind.MEASURE, "Each"): 3, (Kind.MEASURE, "M"): 2}


def test_conditions_of_one_rowset_are_about_one_activity() -> None:
    in_harbour = condition(f"{PURCHASES.name}.StoreName", "equals", "Harbour")
    cheap = condition(f"{PURCHASES.name}.TotalAmount", "lessThan", "0.15")

    _, segments, _ = evaluated(
        segment("One", both(in_harbour, cheap)), segment("Two", in_harbour, ("intersect", cheap)), activities=ACTIVITIES
    )

    assert segments == {"Two"}


SEATTLE, PARIS = condition("City", "equals", "Seattle"), condition("City", "equals", "Paris")


@pytest.mark.parametrize(
    ("rowsets", "expected"),
    [
        ([("none", SEATTLE)], True),
        ([("intersect", SEATTLE)], True),
        ([("union", PARIS), ("union", SEATTLE)], True),
        ([("include", PARIS), ("include", PARIS)], False),
        ([("none", SEATTLE), ("intersect", PARIS)], False),
        ([("none", SEATTLE), ("except", SEATTLE)], False),
        ([("none", SEATTLE), ("exclude", PARIS)], True),
        ([("except", PARIS)], True),
        ([("exclude", SEATTLE)], False),
    ],
)
def test_rowsets_are_joined_from_the_first_to_the_last(rowsets: list[tuple[str, Document]], expected: bool) -> None:
    _, segments, _ = evaluated(segment("S", *rowsets))

    assert ("S" in segments) is expected


def test_definitions_are_evaluated_behind_those_that_they_lean_on() -> None:
    count = measure("A_Count", "count")
    buyers = segment("B_Buyers", condition("Customer_Measure.A_Count", "greaterThan", "2"))
    spend = measure(
        "A_Spend", "sum", "TotalAmount", PURCHASES.name, condition("IsMemberOfSegment", "equals", "B_Buyers")
    )
    great = segment(
        "A_Great",
        condition("IsMemberOfSegment", "isIn", listOfValues=["B_Buyers"]),
        ("intersect", condition("Customer_Measure.A_Spend", "isNotNull")),
    )

    measures, segments, evaluation = evaluated(great, spend, buyers, count, activities=ACTIVITIES)

    assert measures == {"A_Count": 3, "A_Spend": 0.3}
    assert segments == {"A_Great", "B_Buyers"}
    assert evaluation.plan.activity_tables == {"UnifiedActivity", PURCHASES.name}


def test_the_catalog_has_the_columns_that_measures_bring() -> None:
    made = planned(
        measure("Spend", "sum", "TotalAmount", PURCHASES.name),
        measure("Last", "last", "ActivityTime"),
        measure("All", "count", None, "Customer", kind="entity"),
        segment("Here", SEATTLE),
    )

    columns = {c.name: c.type for c in made.catalog.get_table("Customer_Measure").columns}
    assert columns == {
        "CustomerId": ColumnType.STRING,
        "ReadySpend": ColumnType.DECIMAL,
        "Spend": ColumnType.DECIMAL,
        "Last": ColumnType.DATE_TIME,
    }
    assert made.catalog.defined_measures == ("Last", "Spend")
    assert made.catalog.defined_segments == ("Here",)
    assert plans.without_defined(made.catalog) == planned().catalog
    assert planned().is_empty
    assert not made.is_empty


def test_an_inactive_segment_has_no_members() -> None:
    asleep = segment("Asleep", SEATTLE, is_active=False)
    others = segment("Others", condition("IsMemberOfSegment", "notEquals", "Asleep"))

    _, segments, evaluation = evaluated(asleep, others)

    assert segments == {"Others"}
    assert evaluation.counts[(Kind.SEGMENT, "Asleep")] == 0


def test_circles_are_refused_by_their_names() -> None:
    """`A` needs `B`, which needs the measure `M` of `A`'s members."""
    a = segment("A", condition("IsMemberOfSegment", "equals", "B"))
    b = segment("B", condition("Customer_Measure.M", "isNotNull"))
    m = measure("M", "count", None, "UnifiedActivity", condition("IsMemberOfSegment", "equals", "A"))

    with pytest.raises(errors.DefinitionsCyclic) as caught:
        planned(a, b, m)

    for named in ("segment 'A'", "segment 'B'", "measure 'M'"):
        assert named in caught.value.message
    with pytest.raises(errors.DefinitionsCyclic, match="segment 'S' -> segment 'S'"):
        planned(segment("S", condition("IsMemberOfSegment", "equals", "S")))


def test_what_cannot_be_computed_takes_along_what_leans_on_it() -> None:
    broken = measure("Broken", "argMax", "TotalAmount", PURCHASES.name)
    leaning = segment("Leaning", condition("Customer_Measure.Broken", "isNotNull"))
    sound = segment("Sound", SEATTLE)

    made = planned(broken, leaning, sound)

    assert [definition.name for definition, _ in made.rules] == ["Sound"]
    assert made.faults[leaning.key].message == (
        "It is kept and not computed: Leaning leans on the measure 'Broken', which is not computed either."
    )


def test_dependents_are_those_that_lean_on_it_directly() -> None:
    count = measure("Count", "count")
    buyers = segment("Buyers", condition("Customer_Measure.Count", "greaterThan", "0"))
    others = segment("Others", condition("IsMemberOfSegment", "notEquals", "Buyers"))

    assert definitions.dependents_of(count.key, [count, buyers, others]) == [buyers]
    assert definitions.dependents_of(buyers.key, [count, buyers, others]) == [others]
    assert definitions.dependents_of(others.key, [count, buyers, others]) == []


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        (Definition(Kind.MEASURE, "M", {}), "parsingFailed", "definition is missing."),
        (Definition(Kind.SEGMENT, "M", {}), "parsingFailed", "segmentQueryExpression is missing; expected rowsets."),
        (segment("M"), "parsingFailed", "segmentQueryExpression.rowsets is empty; expected at least one."),
        (measure("M", None), "parsingFailed", "definition.aggregates[0].operation is missing."),
        (measure("M", "sum"), "parsingFailed", "definition.aggregates[0].field is missing."),
        (
            measure("M", "count", aggregates=[]),
            "parsingFailed",
            "definition.aggregates is empty; expected at least one.",
        ),
        (
            measure("M", "count", linkedEntities=[{"kind": "join", "entity": "Customer"}]),
            "parsingFailed",
            "definition.linkedEntities need exactly one of kind base, and each its entity.",
        ),
        (
            measure("M", "sum", "TotalAmmount", PURCHASES.name),
            "attributeNotFound",
            "definition.aggregates[0].field names the column 'TotalAmmount', which table PoS_posPurchases does not "
            "have (did you mean 'TotalAmount'?).",
        ),
        (
            measure("M", "count", None, "UnifiedActivities"),
            "entityNotFound",
            "definition.linkedEntities names the table 'UnifiedActivities', which this instance does not have "
            "(did you mean 'UnifiedActivity'?).",
        ),
        (
            measure("M", "sum", "Title"),
            "invalidOperation",
            "definition.aggregates[0].field names UnifiedActivity.Title of type string, which sum does not take.",
        ),
        (measure("M", "argMin", "Title"), "NotComputable", "definition.aggregates[0] is argMin."),
        (
            measure("M", "first", "Title", kind="entity"),
            "NotComputable",
            "definition.aggregates[0] is first over all customers.",
        ),
        (
            measure("M", None, aggregates=[{"operation": "count", "operationScope": "rollup"}]),
            "NotComputable",
            "definition.aggregates[0] is a rollup.",
        ),
        (
            measure("M", None, aggregates=[{"operation": "count"}, {"operation": "count"}]),
            "NotComputable",
            "definition.aggregates are several; one is computed for each customer.",
        ),
        (
            measure("M", "count", dimensions=[{"field": "UnifiedActivity.ActivityType"}]),
            "NotComputable",
            "definition.dimensions name more than CustomerId.",
        ),
        (
            measure("M", "count", kind="entity", dimensions=[{"field": "CustomerId"}]),
            "NotComputable",
            "definition.dimensions make a table of their own; use kind attribute for a value of each customer.",
        ),
        (
            measure("M", "count", measureQuerySql="SELECT 1"),
            "NotComputable",
            "definition.measureQuerySql is SQL text; use aggregates.",
        ),
        (
            measure("M", "count", filters={"kind": "constant"}),
            "NotComputable",
            "definition.filters holds expressions; use filteringCriteria.",
        ),
        (measure("M", "count", variables=[{"name": "x"}]), "NotComputable", "definition.variables holds expressions."),
        (
            segment("M", SEATTLE, segmentationQuerySql="SELECT CustomerId FROM Customer"),
            "NotComputable",
            "segmentQueryExpression.segmentationQuerySql is SQL text; use rowsets.",
        ),
        (
            segment("M", SEATTLE, hierarchies=[{"hierarchyEntityName": "x"}]),
            "NotComputable",
            "segmentQueryExpression.hierarchies name hierarchies.",
        ),
        (
            Definition(Kind.SEGMENT, "M", {"kind": "engagement"}),
            "NotComputable",
            "kind is engagement.",
        ),
        (
            segment("M", rowsets=[{"criteria": SEATTLE, "paths": [["Customer.City", "Contact.Id"]]}]),
            "entityNotFound",
            "segmentQueryExpression.rowsets[0].paths names the table 'Contact', which this instance does not have.",
        ),
    ],
)
def test_what_cannot_be_a_rule_says_why(given: Definition, code: str, message: str) -> None:
    prefix = "It is kept and not computed: " if code == "NotComputable" else ""

    assert fault_of(given) == (code, prefix + message)


def test_a_path_to_the_customer_changes_nothing() -> None:
    rowset = {"criteria": SEATTLE, "paths": [["Customer.CustomerId", "UnifiedActivity.CustomerId"]]}

    _, segments, _ = evaluated(segment("S", rowsets=[rowset]))

    assert segments == {"S"}


def test_a_dimension_by_customer_changes_nothing() -> None:
    by_customer = measure("M", "count", dimensions=[{"field": "Customer.CustomerId"}])

    measures, _, _ = evaluated(by_customer, activities=ACTIVITIES)

    assert measures == {"M": 3}


def test_tables_can_be_named_by_alias() -> None:
    linked = [
        {"kind": "base", "entity": PURCHASES.name, "alias": "p"},
        {"kind": "join", "entity": "Customer", "alias": "c"},
    ]
    where = condition("c.City", "equals", "Seattle")

    measures, _, _ = evaluated(
        measure("M", "sum", "p.TotalAmount", where=where, linkedEntities=linked), activities=ACTIVITIES
    )

    assert measures == {"M": 0.3}


@pytest.mark.parametrize(
    ("name", "expected"), [("Spend_2", True), ("2Spend", False), ("a-b", False), ("a b", False), ("a" * 101, False)]
)
def test_names_are_letters_digits_and_underscores(name: str, expected: bool) -> None:
    assert definitions.is_name(name) is expected


def test_sums_are_exact() -> None:
    tenths = [make.purchase(TotalAmount=0.1)] * 10

    measures, _, _ = evaluated(measure("M", "sum", "TotalAmount", PURCHASES.name), activities={PURCHASES.name: tenths})

    assert Decimal(repr(measures["M"])) == 1


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"description": ["a", {"b": "x\0"}]}, "M holds a text with the control character U+0000."),
        ({"x\0": 1}, "M holds a text with the control character U+0000."),
        ({"description": "x" * 50_000}, "M has 50013 characters; at most 50000 are kept."),
    ],
)
def test_what_cannot_be_kept_is_refused(document: Document, message: str) -> None:
    with pytest.raises(errors.DefinitionInvalid) as caught:
        definitions.check_document("M", document)

    assert caught.value.message == message


def test_what_can_be_kept_passes() -> None:
    definitions.check_document("M", {"description": "x" * 49_900, "order": 1, "nothing": None, "list": [True]})
