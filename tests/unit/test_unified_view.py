"""Which columns the profiles get."""

import pytest

from tests import make
from topcoat.core import unified_view
from topcoat.core.catalog import Column, ColumnType, TableKind
from topcoat.core.unification import ColumnGroup, ColumnPolicy, ColumnPolicyKind, SourceColumn, UnifiedColumn
from topcoat.core.unified_view import ColumnChoice


def _table(name, **types):
    return make.table(
        name=name,
        kind=TableKind.SOURCE,
        columns=(Column("Id", is_key=True), *(Column(column, type_) for column, type_ in types.items())),
        primary_key="Id",
    )


CONTACTS = _table(
    "A_contacts",
    GivenName=ColumnType.STRING,
    City=ColumnType.STRING,
    Spend=ColumnType.INTEGER,
    CreatedOn=ColumnType.DATE,
)
MEMBERS = _table(
    "B_members",
    FirstName=ColumnType.STRING,
    City=ColumnType.STRING,
    Spend=ColumnType.DECIMAL,
    EnrolledOn=ColumnType.DATE_TIME,
)
TABLES = (CONTACTS, MEMBERS)
FIRST_NAME = ColumnChoice(
    "FirstName", (SourceColumn("B_members", "FirstName"), SourceColumn("A_contacts", "GivenName"))
)


def _columns(*choices, excluded=(), tables=TABLES):
    return unified_view.unified_columns(tables, choices, excluded)


def _names(*choices, **more):
    return [column.name for column in _columns(*choices, **more)]


def _faults(*choices, groups=(), excluded=(), tables=TABLES):
    return list(unified_view.find_faults(tables, choices, groups, excluded))


def _recent(**by):
    return ColumnPolicy(ColumnPolicyKind.MOST_RECENT, by)


def test_columns_of_one_name_are_one_in_the_order_of_first_appearance():
    assert _names() == ["GivenName", "City", "Spend", "CreatedOn", "FirstName", "EnrolledOn"]


def test_by_default_the_order_of_the_tables_is_that_of_importance():
    city = next(column for column in _columns() if column.name == "City")
    assert city == UnifiedColumn(
        "City", ColumnType.STRING, (SourceColumn("A_contacts", "City"), SourceColumn("B_members", "City"))
    )


def test_a_column_with_sources_stands_where_the_first_of_them_did():
    columns = _columns(FIRST_NAME)
    assert [column.name for column in columns] == ["FirstName", "City", "Spend", "CreatedOn", "EnrolledOn"]
    assert columns[0].sources == FIRST_NAME.sources


def test_a_source_column_can_be_taken_twice_and_a_choice_of_sources_leaves_others_of_the_name_out():
    alone = ColumnChoice("City", (SourceColumn("B_members", "City"),))
    again = ColumnChoice("Town", (SourceColumn("B_members", "City"),))
    columns = {column.name: column.sources for column in _columns(alone, again)}
    assert columns["City"] == columns["Town"] == (SourceColumn("B_members", "City"),)


def test_integers_and_decimals_make_decimals():
    assert next(column for column in _columns() if column.name == "Spend").type is ColumnType.DECIMAL


def test_a_choice_without_sources_gives_the_columns_of_its_name_a_policy():
    policy = _recent(A_contacts="CreatedOn", B_members="EnrolledOn")
    city = next(column for column in _columns(ColumnChoice("City", policy=policy)) if column.name == "City")
    assert (len(city.sources), city.policy) == (2, policy)


def test_joined_columns_are_texts_at_the_end():
    joined = ColumnChoice("Label", join=("City", "FirstName"))
    assert _columns(joined)[-1] == UnifiedColumn("Label", ColumnType.STRING, join=("City", "FirstName"))
    assert not _faults(joined)


def test_a_joined_column_takes_the_place_of_source_columns_of_its_name():
    joined = ColumnChoice("FirstName", join=("GivenName", "City"))
    assert _names(joined).count("FirstName") == 1


def test_excluded_columns_are_left_out():
    assert _names(FIRST_NAME, excluded=["City", "FirstName"]) == ["Spend", "CreatedOn", "EnrolledOn"]
    assert not _faults(FIRST_NAME, excluded=["City", "FirstName"])


def test_a_primary_key_is_a_column_only_where_it_is_chosen():
    chosen = ColumnChoice("ContactId", (SourceColumn("A_contacts", "Id"),))
    assert "Id" not in _names()
    assert _names(chosen)[0] == "ContactId"
    assert not _faults(chosen)


def test_what_is_sound_has_no_fault():
    group = ColumnGroup(("City", "Spend"), _recent(A_contacts="CreatedOn"))
    label = ColumnChoice("Label", join=("FirstName", "City"))
    assert not _faults(FIRST_NAME, label, groups=[group], excluded=["EnrolledOn"])


@pytest.mark.parametrize(
    ("choice", "place", "reason"),
    [
        (
            ColumnChoice("X", (SourceColumn("B_member", "City"),)),
            ("columns", "X", "sources", "B_member"),
            "'B_member' is no table of customers (did you mean 'B_members'?)",
        ),
        (
            ColumnChoice("X", (SourceColumn("B_members", "Cty"),)),
            ("columns", "X", "sources", "B_members"),
            "table B_members has no column 'Cty' (did you mean 'City'?)",
        ),
        (ColumnChoice("X"), ("columns", "X"), "no table of customers has a column 'X' for it, expected its sources"),
        (
            ColumnChoice("X", FIRST_NAME.sources, join=("City",)),
            ("columns", "X", "join"),
            "found it beside sources or policy, expected it alone",
        ),
        (
            ColumnChoice("City", policy=_recent(A_contacts="GivenName")),
            ("columns", "City", "policy", "most_recent", "A_contacts"),
            "column GivenName is of type string, expected date-time or date",
        ),
        (
            ColumnChoice("X", (SourceColumn("A_contacts", "City"), SourceColumn("B_members", "EnrolledOn"))),
            ("columns", "X"),
            "column X is string in A_contacts, date-time in B_members; expected one type, or columns of their own",
        ),
        (
            ColumnChoice("CustomerId", (SourceColumn("A_contacts", "City"),)),
            ("columns", "CustomerId"),
            "column CustomerId has a name that profiles use themselves; exclude it, or name it otherwise",
        ),
        (
            ColumnChoice("X", join=("Cty",)),
            ("columns", "X", "join", 0),
            "profiles have no column 'Cty' (did you mean 'City'?)",
        ),
        (
            ColumnChoice("X", join=("City", "CreatedOn")),
            ("columns", "X", "join", 1),
            "column CreatedOn is of type date, expected string or integer",
        ),
        (
            ColumnChoice("X", join=("X",)),
            ("columns", "X", "join", 0),
            "column X is joined itself, expected one that is made of source columns",
        ),
    ],
)
def test_a_choice_that_cannot_be_is_told_at_its_place(choice, place, reason):
    assert _faults(choice) == [(place, reason)]


def test_source_columns_that_do_not_go_together_are_told_of_the_tables():
    other = _table("C_other", City=ColumnType.DATE, PreviousCustomerId=ColumnType.STRING)
    assert _faults(tables=(CONTACTS, other)) == [
        (
            ("tables",),
            "column PreviousCustomerId has a name that profiles use themselves; exclude it, or name it otherwise",
        ),
        (
            ("tables",),
            "column City is string in A_contacts, date in C_other; expected one type, or columns of their own",
        ),
    ]


def test_a_name_that_profiles_use_can_be_excluded():
    other = _table("C_other", CustomerId=ColumnType.STRING)
    assert not _faults(tables=(CONTACTS, other), excluded=["CustomerId"])


def test_names_that_differ_in_case_alone_are_refused_unless_one_is_excluded():
    other = _table("C_others", city=ColumnType.STRING, customerid=ColumnType.STRING)
    assert _faults(tables=(*TABLES, other)) == [
        (("tables",), "column city differs from City in case alone, expected another name"),
        (
            ("tables",),
            "column customerid has a name that profiles use themselves; exclude it, or name it otherwise",
        ),
    ]
    assert not _faults(tables=(*TABLES, other), excluded=["city", "customerid"])


def test_an_excluded_column_has_to_be_there():
    assert _faults(excluded=["Cty"]) == [(("exclude", 0), "profiles have no column 'Cty' (did you mean 'City'?)")]


@pytest.mark.parametrize(
    ("groups", "place", "reason"),
    [
        ([("City", "Sped")], (0, "columns", 1), "profiles have no column 'Sped' (did you mean 'Spend'?)"),
        (
            [("City", "Spend"), ("City", "FirstName")],
            (1, "columns", 0),
            "column City is in a group already, expected it once",
        ),
        (
            [("City", "Label")],
            (0, "columns", 1),
            "column Label is joined or has a policy of its own, expected one without",
        ),
    ],
)
def test_a_group_that_cannot_be_is_told_at_its_place(groups, place, reason):
    label = ColumnChoice("Label", join=("City",))
    faults = _faults(label, groups=[ColumnGroup(columns) for columns in groups])
    assert faults == [(("groups", *place), reason)]


def test_the_policy_of_a_group_goes_by_instants():
    faults = _faults(groups=[ColumnGroup(("City", "Spend"), _recent(B_members="Spend"))])
    place = ("groups", 0, "policy", "most_recent", "B_members")
    assert faults == [(place, "column Spend is of type decimal, expected date-time or date")]
