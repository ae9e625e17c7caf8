"""Criteria of segments and measures: what each operator means, and what is wrong with the others."""

from typing import Any

import pytest

from tests import make
from tests.unit.insights.defining import both, condition, either, evaluated, fault_of, planned, segment
from topcoat.core.catalog import Document
from topcoat.core.insights.plan import Evaluation
from topcoat.core.insights.rows import CustomerRecords

ABBIE = make.profile(
    DateOfBirth="1990-05-17", TotalSpend=99.5, EmailOptIn=True, CustomerSince="2026-11-20T10:00:00Z", RewardsPoints=120
)


def holds(criteria: Document, profile: Document = ABBIE, **customer: Any) -> bool:
    _, segments, _ = evaluated(segment("S", criteria), profile=profile, **customer)
    return "S" in segments


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (condition("City", "equals", "Seattle"), True),
        (condition("Customer.City", "equals", "Seattle"), True),
        (condition("City", "equals", "seattle"), False),
        (condition("City", "equals", "SEATTLE", ignoreCase=True), True),
        (condition("City", "notEquals", "Paris"), True),
        (condition("City", "contains", "att"), True),
        (condition("City", "startsWith", "sea", ignoreCase=True), True),
        (condition("City", "endsWith", "Sea"), False),
        (condition("City", "isNull"), False),
        (condition("City", "isNotNull"), True),
        (condition("City", "isIn", listOfValues=["Paris", "Seattle"]), True),
        (condition("City", "isIn", listOfValues=["PARIS", "SEATTLE"], ignoreCase=True), True),
        (condition("City", "greaterThan", "Paris"), True),
        (condition("RewardsPoints", "greaterThan", "119.5"), True),
        (condition("RewardsPoints", "lessThanOrEqualTo", "120"), True),
        (condition("RewardsPoints", "lessThan", "120"), False),
        (condition("TotalSpend", "equals", "99.50"), True),
        (condition("TotalSpend", "greaterThanOrEqualTo", "100"), False),
        (condition("TotalSpend", "isBetween", listOfValues=["99.5", "100"]), True),
        (condition("TotalSpend", "isNotBetween", listOfValues=["0", "99"]), True),
        (condition("EmailOptIn", "equals", "true"), True),
        (condition("EmailOptIn", "notEquals", "true"), False),
        (condition("DateOfBirth", "lessThan", "1990-05-18"), True),
        (condition("DateOfBirth", "yearOf", "1990"), True),
        (condition("DateOfBirth", "monthOf", "5"), True),
        (condition("DateOfBirth", "dayOf", "18"), False),
        (condition("CustomerSince", "greaterThan", "2026-11-20"), True),
        (condition("CustomerSince", "equals", "2026-11-20T11:00:00+01:00"), True),
        (condition("CustomerSince", "isWithinLast", "P5D"), True),
        (condition("CustomerSince", "isWithinLast", "PT4H"), False),
        (condition("CustomerSince", "yearToDate"), True),
        (condition("DateOfBirth", "yearToDate"), False),
        (both(condition("City", "equals", "Seattle"), condition("EmailOptIn", "equals", "false")), False),
        (either(condition("City", "equals", "Seattle"), condition("EmailOptIn", "equals", "false")), True),
        (both(condition("City", "equals", "Seattle")), True),
        ({"childCriterias": [condition("City", "isNull"), condition("City", "isNotNull")]}, False),
    ],
)
def test_a_condition_holds_for_abbie_or_not(criteria: Document, expected: bool) -> None:
    assert holds(criteria) is expected


def test_null_is_as_in_filters() -> None:
    """S26."""
    nobody = make.profile(City=None)

    assert not holds(condition("City", "equals", "Paris"), nobody)
    assert holds(condition("City", "notEquals", "Paris"), nobody)
    assert not holds(condition("City", "greaterThan", "A"), nobody)


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (condition("IsMemberOfSegment", "equals", "Gold"), True),
        (condition("IsMemberOfSegment", "notEquals", "Gold"), False),
        (condition("IsMemberOfSegment", "equals", "Silver"), False),
        (condition("IsMemberOfSegment", "isIn", listOfValues=["Silver", "Gold"]), True),
    ],
)
def test_segments_can_be_asked_for(criteria: Document, expected: bool) -> None:
    records = CustomerRecords(profile=ABBIE, activities={}, segments={"Gold"})

    Evaluation(planned(segment("S", criteria), segments=("Gold", "Silver")), make.NOW).add(records)

    assert ("S" in records.segments) is expected


@pytest.mark.parametrize(
    ("criteria", "code", "message"),
    [
        ({}, "parsingFailed", "criteria.attribute is missing; expected Table.Column."),
        ({"attribute": "City"}, "parsingFailed", "criteria.comparisonOperator is missing."),
        (condition("City", "equals"), "parsingFailed", "criteria.value is missing."),
        (condition("City", "isIn"), "parsingFailed", "criteria.listOfValues is empty; expected values."),
        (
            condition("Town", "equals", "Paris"),
            "attributeNotFound",
            "criteria.attribute names the column 'Town', which table Customer does not have.",
        ),
        (
            condition("City.Customer", "isNull"),
            "entityNotFound",
            "criteria.attribute names the table 'City', which this instance does not have.",
        ),
        (
            condition("RewardsPoints", "equals", "many"),
            "invalidArgument",
            "criteria.value found 'many', expected a finite number beside Customer.RewardsPoints.",
        ),
        (
            condition("RewardsPoints", "isIn", listOfValues=["1", ""]),
            "invalidArgument",
            "criteria.listOfValues[1] found '', expected a finite number beside Customer.RewardsPoints.",
        ),
        (
            condition("CustomerSince", "equals", "yesterday"),
            "invalidArgument",
            "criteria.value found 'yesterday', expected a date-time such as 2026-12-24T18:00:00Z "
            "beside Customer.CustomerSince.",
        ),
        (
            condition("CustomerSince", "isWithinLast", "30 days"),
            "invalidArgument",
            "criteria.value found '30 days', expected an ISO 8601 duration such as P30D.",
        ),
        (
            condition("TotalSpend", "isBetween", listOfValues=["1"]),
            "invalidArgument",
            "criteria.listOfValues has 1 values; expected the lowest and the highest.",
        ),
        (
            condition("RewardsPoints", "contains", "1"),
            "invalidOperation",
            "criteria.comparisonOperator is contains, and Customer.RewardsPoints is of type integer; expected string.",
        ),
        (
            condition("IsMemberOfSegment", "contains", "G"),
            "invalidOperation",
            "criteria.comparisonOperator is contains; expected one of equals, notEquals, isIn "
            "beside IsMemberOfSegment.",
        ),
        (
            condition("IsMemberOfSegment", "equals", "Gould"),
            "entityNotFound",
            "criteria names the segment 'Gould', which there is not (did you mean 'Gold'?).",
        ),
        (
            condition("IsMemberOfSegment", "isIn"),
            "parsingFailed",
            "criteria.listOfValues is empty; expected names of segments.",
        ),
        (condition("City", "childOf", "x"), "NotComputable", "criteria.comparisonOperator is childOf."),
        (condition("City", "isNull", isTime=True), "NotComputable", "criteria compares times of day (isTime)."),
        (condition("City", "isNull", kind="consent"), "NotComputable", "criteria is of kind consent."),
        (
            condition("City", "isNull", childCriterias=[condition("City", "isNull")]),
            "NotComputable",
            "criteria has an attribute and childCriterias.",
        ),
        (
            both(condition("City", "isNull"), condition("City", "equals")),
            "parsingFailed",
            "criteria.childCriterias[1].value is missing.",
        ),
        (
            condition("eCommerce_eCommerceContacts.City", "isNull"),
            "NotComputable",
            "criteria.attribute names table eCommerce_eCommerceContacts, whose records are no activities.",
        ),
        (
            both(condition("UnifiedActivity.Title", "isNull"), condition("PoS_posPurchases.Currency", "isNull")),
            "NotComputable",
            "criteria.childCriterias[1].attribute names activities of PoS_posPurchases beside those of "
            "UnifiedActivity; one table is possible.",
        ),
    ],
)
def test_what_is_wrong_is_told_by_its_place(criteria: Document, code: str, message: str) -> None:
    found = fault_of(segment("S", criteria), segments=("Gold",))

    place = "segmentQueryExpression.rowsets[0]."
    prefix = "It is kept and not computed: " if code == "NotComputable" else ""
    assert found == (code, f"{prefix}{place}{message}")
