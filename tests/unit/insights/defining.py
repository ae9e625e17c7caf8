"""Definitions in few words, for tests."""

import json
from typing import Any

from tests import make
from topcoat.core.catalog import (
    CUSTOMER_MEASURE,
    UNIFIED_ACTIVITY_TABLE,
    Catalog,
    Column,
    ColumnType,
    Document,
    TableKind,
)
from topcoat.core.insights import plan
from topcoat.core.insights.definition import Definition, Kind
from topcoat.core.insights.plan import Evaluation, Plan
from topcoat.core.insights.rows import CustomerRecords

MEASURES = make.table(
    name=CUSTOMER_MEASURE,
    kind=TableKind.CUSTOMER_MEASURE,
    columns=(Column("CustomerId", is_key=True), Column("ReadySpend", ColumnType.DECIMAL)),
)
PURCHASES = make.source_table(activity=make.activity_configuration())
CONTACTS = make.source_table(name="eCommerce_eCommerceContacts", columns=(Column("ContactId"), Column("City")))
CATALOG = Catalog((make.table(), UNIFIED_ACTIVITY_TABLE, MEASURES, PURCHASES, CONTACTS))


def condition(attribute: str, operator: str, value: str | None = None, **more: Any) -> Document:
    return {"attribute": attribute, "comparisonOperator": operator, "value": value, **more}


def both(*children: Document) -> Document:
    return {"logicalOperator": "and", "childCriterias": list(children)}


def either(*children: Document) -> Document:
    return {"logicalOperator": "or", "childCriterias": list(children)}


def segment(name: str, *rowsets: Document | tuple[str, Document], is_active: bool = True, **more: Any) -> Definition:
    """Of criteria, which stand behind an operation where they are joined to what is before them."""
    pairs = [rowset if isinstance(rowset, tuple) else ("none", rowset) for rowset in rowsets]
    query = {"rowsets": [{"rowsetOperation": operation, "criteria": criteria} for operation, criteria in pairs]}
    return Definition(Kind.SEGMENT, name, {"segmentQueryExpression": query | more}, is_active)


def measure(
    name: str,
    operation: str | None,
    field: str | None = None,
    of: str | None = "UnifiedActivity",
    where: Document | None = None,
    **more: Any,
) -> Definition:
    definition = {
        "kind": "attribute",
        "linkedEntities": [] if of is None else [{"kind": "base", "entity": of}],
        "aggregates": [{"operation": operation, "field": field}],
        "filteringCriteria": where,
    }
    return Definition(Kind.MEASURE, name, {"definition": definition | more})


def planned(*definitions: Definition, segments: tuple[str, ...] = ()) -> Plan:
    return plan.make_plan(definitions, CATALOG, segments, make.NOW)


def purchases(*records: Document) -> list[Document]:
    """Activities of the unified table that come from purchases; each needs its time."""
    return [
        {
            "ActivityId": record["PurchaseId"],
            "ActivityType": "SalesOrder",
            "ActivityTime": record["PurchasedOn"],
            "EntityName": PURCHASES.name,
            "SemanticData": json.dumps(record),
        }
        for record in records
    ]


def evaluated(
    *definitions: Definition, segments: tuple[str, ...] = (), **customer: Any
) -> tuple[Document, set[str], Evaluation]:
    """The measures and segments of one customer."""
    made = planned(*definitions, segments=segments)
    assert not made.faults, made.faults
    evaluation = Evaluation(made, make.NOW)
    records = CustomerRecords(**({"profile": make.profile(), "activities": {}} | customer))
    evaluation.add(records)
    return records.measures, records.segments, evaluation


def fault_of(definition: Definition, *others: Definition, segments: tuple[str, ...] = ()) -> tuple[str, str]:
    """The error's code, or the contract's for what is refused, and the message."""
    error = planned(definition, *others, segments=segments).faults[definition.key]
    return error.parts.get("fault", error.code), error.message
