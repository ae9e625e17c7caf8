"""What a definition may name, and the rows that it is asked of.

A row is a customer's profile and measures and, where a definition names a table of activities, one of the customer's
activities of that table: as many rows as there are activities. Columns of a row are called `Table.Column`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from topcoat.core import catalog, errors
from topcoat.core.catalog import CUSTOMER, CUSTOMER_MEASURE, Catalog, Column, Document, Table, TableKind
from topcoat.core.insights.definition import Fault, refusal, split_attribute

_ONE_A_CUSTOMER: Final = (CUSTOMER, CUSTOMER_MEASURE)


@dataclass(slots=True)
class CustomerRecords:
    """One customer as the snapshot has it; `activities` are by table, oldest first.

    Evaluation adds to `measures` and `segments`.
    """

    profile: Document
    activities: Mapping[str, Sequence[Document]]
    measures: Document = field(default_factory=dict)
    segments: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Rows:
    """`shape` is the table that the rows make up; `activities` names the table of activities, if there is one."""

    shape: Table
    profile_columns: tuple[tuple[str, str], ...]
    measure_columns: tuple[tuple[str, str], ...]
    activity_columns: tuple[tuple[str, str], ...]
    activities: str | None

    def of(self, customer: CustomerRecords) -> Iterator[Document]:
        """A new document for each."""
        row = {qualified: customer.profile.get(name) for qualified, name in self.profile_columns}
        row.update((qualified, customer.measures.get(name)) for qualified, name in self.measure_columns)
        if self.activities is None:
            yield row
            return
        columns = self.activity_columns
        for activity in customer.activities.get(self.activities, ()):
            values = {qualified: activity.get(name) for qualified, name in columns}
            yield row | values if row else values


class Scope:
    """Finds the columns that one definition names, and keeps which they were."""

    def __init__(
        self,
        known: Catalog,
        segments: Collection[str],
        aliases: Mapping[str, str] | None = None,
        default: str = CUSTOMER,
    ) -> None:
        """`segments` are those whose members are known."""
        self.segments = segments
        self._catalog = known
        self._aliases = aliases or {}
        self._default = default
        self._used: dict[str, tuple[str, Column]] = {}
        self._activities: str | None = None

    def column(self, attribute: str, place: str) -> Column:
        """The column of the row, under its qualified name."""
        table_name, name = split_attribute(attribute, self._aliases, self._default)
        table = self.table(table_name, place)
        column = table.columns_by_name.get(name)
        if column is None:
            reason = f"names the column '{catalog.shown(name)}', which table {table.name} does not have"
            hint = catalog.suggestion(name, table.columns_by_name)
            raise refusal(Fault.ATTRIBUTE_NOT_FOUND, place, reason + hint)
        qualified = f"{table.name}.{column.name}"
        self._used[qualified] = table.name, column
        return Column(qualified, column.type)

    def table(self, name: str, place: str) -> Table:
        """Raise `NotComputable` for a second table of activities, and for one whose records belong to no customer."""
        table = self._catalog.tables_by_name.get(name)
        if table is None:
            reason = f"names the table '{catalog.shown(name)}', which this instance does not have"
            hint = catalog.suggestion(name, self._catalog.tables_by_name)
            raise refusal(Fault.ENTITY_NOT_FOUND, place, reason + hint)
        if name in _ONE_A_CUSTOMER:
            return table
        if table.kind is TableKind.SOURCE and table.activity is None:
            raise errors.NotComputable(place=place, reason=f"names table {name}, whose records are no activities")
        if self._activities not in (None, name):
            raise errors.NotComputable(
                place=place,
                reason=f"names activities of {name} beside those of {self._activities}; one table is possible",
            )
        self._activities = name
        return table

    def rows(self) -> Rows:
        """Those of everything that was asked for so far."""
        columns = tuple(Column(qualified, column.type) for qualified, (_, column) in self._used.items())
        return Rows(
            shape=Table("rows", TableKind.CUSTOMER, columns, primary_key=catalog.CUSTOMER_ID),
            profile_columns=self._columns_of(CUSTOMER),
            measure_columns=self._columns_of(CUSTOMER_MEASURE),
            activity_columns=() if self._activities is None else self._columns_of(self._activities),
            activities=self._activities,
        )

    def _columns_of(self, table: str) -> tuple[tuple[str, str], ...]:
        return tuple((qualified, column.name) for qualified, (name, column) in self._used.items() if name == table)
