"""The unification and enrichment sections of the environment file."""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from topcoat.core import unification
from topcoat.core.enrichment import StandardKind
from topcoat.core.unification import ColumnPolicy, ColumnPolicyKind, Normalization, Winner, WinnerPolicy
from topcoat.flows.refresh.environment_parts import ColumnName, Part, Region, TableName, Text, Type, expected, one_of

_MOST_FILLED: Final = WinnerPolicy.MOST_FILLED.value
_IMPORTANCE: Final = ColumnPolicyKind.IMPORTANCE.value


def _read_precision(written: Any) -> float:
    try:
        return unification.read_precision(written)
    except ValueError:
        raise expected(unification.PRECISION_EXPECTED) from None


def _read_winner(written: Any) -> Winner:
    match written:
        case str() if written == _MOST_FILLED:
            return Winner()
        case {"most_recent": str(column)} if len(written) == 1:
            return Winner(WinnerPolicy.MOST_RECENT, column)
        case {"least_recent": str(column)} if len(written) == 1:
            return Winner(WinnerPolicy.LEAST_RECENT, column)
        case _:
            raise expected(f"{_MOST_FILLED}, or a mapping from most_recent or least_recent to a column")


def _read_policy(written: Any) -> ColumnPolicy:
    match written:
        case str() if written == _IMPORTANCE:
            return ColumnPolicy()
        case {"most_recent": dict(by)} if len(written) == 1 and _is_names(by):
            return ColumnPolicy(ColumnPolicyKind.MOST_RECENT, by)
        case {"least_recent": dict(by)} if len(written) == 1 and _is_names(by):
            return ColumnPolicy(ColumnPolicyKind.LEAST_RECENT, by)
        case _:
            raise expected(f"{_IMPORTANCE}, or a mapping from most_recent or least_recent to a column for each table")


def _is_names(mapping: dict[Any, Any]) -> bool:
    return bool(mapping) and all(isinstance(name, str) for pair in mapping.items() for name in pair)


def _recency_schema(word: str, column: dict[str, Any]) -> WithJsonSchema:
    """The word alone, or one key that says what recency goes by."""
    recencies = [
        {"type": "object", "properties": {key: column}, "required": [key], "additionalProperties": False}
        for key in ("most_recent", "least_recent")
    ]
    return WithJsonSchema({"anyOf": [{"const": word}, *recencies]})


_COLUMN_SCHEMA: Final = {"type": "string"}
_COLUMNS_SCHEMA: Final = {"type": "object", "additionalProperties": {"type": "string"}}

Precision = Annotated[float, BeforeValidator(_read_precision), WithJsonSchema({"type": "string"})]
WinnerChoice = Annotated[Winner, BeforeValidator(_read_winner), _recency_schema(_MOST_FILLED, _COLUMN_SCHEMA)]
Policy = Annotated[ColumnPolicy, BeforeValidator(_read_policy), _recency_schema(_IMPORTANCE, _COLUMNS_SCHEMA)]
Kind = Annotated[Normalization, one_of(Normalization)]


class Condition(Part):
    """What two records have to have in common."""

    column: ColumnName = Field(description="A column of the rule's table.")
    other_column: ColumnName | None = Field(
        None, description="The column of the other record; by default the one of the same name."
    )
    normalize: list[Kind] = Field([], description="What is levelled before values are compared.")
    precision: Precision = Field(
        unification.EXACT,
        description="exact, high (80 %), medium (60 %), low (30 %), or a percentage.",
        validate_default=False,
    )
    region: Region | None = Field(None, description="The country of phone numbers without a country code, such as US.")
    differs: bool = Field(default=False, description="Whether it holds where the two values are not alike.")


class Rule(Part):
    """It matches two records where all conditions hold and no exception does."""

    name: Text = Field(description="What the run report calls the rule.")
    conditions: list[Condition] = Field(description="All of them have to hold.", min_length=1)
    exceptions: list[Condition] = Field([], description="None of them may hold.")


class MatchRule(Rule):
    """Which records of a table are those of a table before it."""

    table: TableName = Field(description="A table of customers.")
    other_table: TableName = Field(description="A table that stands before it in `tables`.")


class Deduplication(Part):
    """Which records of one table are one."""

    rules: list[Rule] = Field(description="Tried one after the other.", min_length=1)
    winner: WinnerChoice = Field(Winner(), description="Which record stands for the others.", validate_default=False)


class Linkage(Part):
    """The probabilistic model, beside the matching rules."""

    threshold: float = Field(gt=0, lt=1, description="The probability from which two records are one person.")


class UnifiedColumn(Part):
    """A column of the profiles: taken from source columns, or put together from other columns."""

    sources: dict[TableName, ColumnName] | None = Field(
        None, description="The column of each table, in the order of importance; by default those of its name."
    )
    policy: Policy = Field(ColumnPolicy(), description="Which of several values is taken.", validate_default=False)
    join: list[ColumnName] = Field([], description="Columns of the profile whose texts are joined, with blanks.")


class ColumnGroup(Part):
    """Columns of the profiles that are taken together from one record, such as an address."""

    columns: list[ColumnName] = Field(description="Columns of the profile.", min_length=2)
    policy: Policy = Field(ColumnPolicy(), description="Which of several records is taken.", validate_default=False)


class Unification(Part):
    """How the customers of several tables become one profile a person."""

    tables: list[TableName] = Field(
        description="The tables of customers, in the order of matching and of importance.", min_length=1
    )
    only_matched: list[TableName] = Field(
        [], description="Tables whose records make no profile of their own where they match nobody."
    )
    deduplication: dict[TableName, Deduplication] = Field({}, description="Which records of one table are one.")
    matching: list[MatchRule] = Field([], description="Which records of two tables are one person.")
    always_match: Text | None = Field(
        None, description="A CSV file of records that are one whatever the rules say: Table, Key, OtherTable, OtherKey."
    )
    never_match: Text | None = Field(None, description="A CSV file of records that are never one, likewise.")
    linkage: Linkage | None = Field(None, description="A model that links what is likely the same, beside the rules.")
    columns: dict[ColumnName, UnifiedColumn] = Field(
        {}, description="Columns of the profiles that are not simply those of one name by importance."
    )
    groups: list[ColumnGroup] = Field([], description="Columns that are taken together from one record.")
    exclude: list[ColumnName] = Field([], description="Columns of the tables that profiles do not have.")


class Standard(Part):
    """A standardised copy of a text column, beside it."""

    kind: Annotated[StandardKind, one_of(StandardKind)] = Field(description="phone, email or address.")
    region: Region | None = Field(None, description="The country of phone numbers without a country code, such as US.")


class Reference(Part):
    """Columns that a table of reference has about customers."""

    table: TableName = Field(description="The table, which is no table of customers.")
    match: dict[ColumnName, ColumnName] = Field(
        description="Columns of the profile and the reference's columns that have to be alike.", min_length=1
    )
    normalize: list[Kind] = Field([], description="What is levelled before texts are compared.")
    region: Region | None = Field(None, description="The country of phone numbers without a country code, such as US.")
    columns: dict[ColumnName, ColumnName] = Field(
        description="Columns that the profiles get, and the reference's columns that they come from.", min_length=1
    )


class Enrichment(Part):
    """What is added to the profiles behind unification."""

    standardize: dict[ColumnName, Standard] = Field(
        {}, description="Columns that get a standardised copy, named `…_Standardized`."
    )
    reference: list[Reference] = Field([], description="Tables of reference that are joined.")


class OutputTable(Part):
    """Rows that somebody computed about customers."""

    file: Text = Field(description="A CSV, JSON Lines or Parquet file, relative to this one.")
    primary_key: ColumnName = Field(description="The column that identifies a row; string or integer.")
    columns: dict[ColumnName, Type] = Field(description="Column names and their types, CustomerId among them.")


class EnrichmentTable(OutputTable):
    """An enrichment, such as interests of customers."""

    provider: Text = Field(description="Who computed it.")


class PredictionTable(OutputTable):
    """A prediction, such as who is about to leave."""

    model: Text = Field(description="What computed it.")
