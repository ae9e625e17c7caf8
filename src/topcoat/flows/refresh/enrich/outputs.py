"""What others computed of customers: rows of enrichments and predictions, each of a profile that there is."""

from dataclasses import dataclass

from ibis.expr import types as ir

from topcoat.core.catalog import CUSTOMER_ID


@dataclass(frozen=True, slots=True)
class OutputRows:
    """`without_customer` counts those that are of nobody, and left out."""

    rows: ir.Table
    without_customer: ir.IntegerScalar


def keep_known(rows: ir.Table, profiles: ir.Table, aliases: ir.Table) -> OutputRows:
    """The rows, as they came, whose CustomerId is a profile's or leads to one as an alias (S18)."""
    known = profiles.select(CUSTOMER_ID).union(aliases.select(**{CUSTOMER_ID: aliases.alias_id}))
    return OutputRows(rows.semi_join(known, CUSTOMER_ID), rows.anti_join(known, CUSTOMER_ID).count())
