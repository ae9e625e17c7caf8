"""The sections on unification and enrichment of an environment file, and where each fault is said to be."""

from pathlib import Path

import pytest

from topcoat.core import errors
from topcoat.core.catalog import Column, ColumnType, Contents
from topcoat.core.enrichment import AddedColumn, Reference, Standard, StandardKind
from topcoat.core.unification import (
    ColumnGroup,
    ColumnPolicy,
    ColumnPolicyKind,
    Condition,
    Deduplication,
    MatchRule,
    Normalization,
    Rule,
    Winner,
    WinnerPolicy,
)
from topcoat.flows.refresh.environment import Environment, Raw, load_environment
from topcoat.flows.refresh.source_places import DatabaseSource, FileSource

TEXT = """\
instance: {id: c0ffee00-0000-4000-8000-000000000001, name: Contoso Coffee}
tables:
  Shop_contacts:
    primary_key: ContactId
    columns: {ContactId: string, FirstName: string, EMail: string, City: string, Since: date, OptIn: boolean}
    file: contacts/*.parquet
  CRM_accounts:
    primary_key: AccountId
    columns: {AccountId: integer, FirstName: string, Mail: string, City: string, Changed: date-time}
    database: {url: 'postgresql://crm:secret@localhost/crm', table: crm.accounts, watermark: Changed}
    keep_rows: false
  Finance_spend:
    primary_key: Email
    columns: {Email: string, Spend: decimal}
    file: spend.csv
quarantine_share_max: 0.1
unification:
  tables: [Shop_contacts, CRM_accounts]
  only_matched: [CRM_accounts]
  deduplication:
    CRM_accounts:
      winner: {most_recent: Changed}
      rules:
        - {name: Same mail, conditions: [{column: Mail, normalize: [whitespace, case]}]}
  matching:
    - name: Mail and name
      table: CRM_accounts
      other_table: Shop_contacts
      conditions:
        - {column: Mail, other_column: EMail, normalize: [case]}
        - {column: FirstName, precision: 70 %}
      exceptions:
        - {column: City, differs: true}
  never_match: never.csv
  linkage: {threshold: 0.95}
  columns:
    EMail: {sources: {CRM_accounts: Mail, Shop_contacts: EMail}}
    Label: {join: [FirstName, City]}
  groups:
    - {columns: [FirstName, City], policy: {most_recent: {Shop_contacts: Since, CRM_accounts: Changed}}}
  exclude: [Changed]
enrichment:
  standardize: {EMail: {kind: email}}
  reference:
    - {table: Finance_spend, match: {EMail_Standardized: Email}, normalize: [case], columns: {TotalSpend: Spend}}
predictions:
  Churn:
    file: churn.csv
    model: Churn of 2026
    primary_key: Id
    columns: {Id: string, CustomerId: string, Score: decimal}
"""


def load(folder: Path, text: str = TEXT) -> Environment:
    (folder / "never.csv").touch()
    file = folder / "environment.yaml"
    file.write_text(text)
    return load_environment(file)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return load(tmp_path_factory.mktemp("environment"))


def raw(environment: Environment) -> Raw:
    assert environment.raw is not None
    return environment.raw


def test_sources_are_files_patterns_and_databases(environment: Environment) -> None:
    folder = environment.file.parent

    assert environment.sources == {
        "Shop_contacts": FileSource(folder / "contacts" / "*.parquet"),
        "CRM_accounts": DatabaseSource("postgresql://crm:secret@localhost/crm", "crm.accounts", None, "Changed"),
        "Finance_spend": FileSource(folder / "spend.csv"),
        "Churn": FileSource(folder / "churn.csv"),
    }
    assert [table.name for table in environment.catalog.tables if table.is_kept] == [
        "Shop_contacts",
        "Finance_spend",
        "Churn",
        *(f"{name}_corrupt" for name in environment.sources),
    ]


def test_the_address_of_a_database_is_not_shown(environment: Environment) -> None:
    assert "secret" not in repr(environment)


def test_rules_are_what_the_section_says(environment: Environment) -> None:
    unification = raw(environment).unification

    mail = Condition("Mail", "Mail", (Normalization.WHITESPACE, Normalization.CASE))
    winner = Winner(WinnerPolicy.MOST_RECENT, "Changed")
    assert unification.deduplications == (
        Deduplication("CRM_accounts", (Rule(name="Same mail", conditions=(mail,)),), winner),
    )
    assert unification.matching == (
        MatchRule(
            name="Mail and name",
            table="CRM_accounts",
            other_table="Shop_contacts",
            conditions=(
                Condition("Mail", "EMail", (Normalization.CASE,)),
                Condition("FirstName", "FirstName", precision=0.7),
            ),
            exceptions=(Condition("City", "City", differs=True),),
        ),
    )
    assert (unification.tables, unification.only_matched) == (("Shop_contacts", "CRM_accounts"), {"CRM_accounts"})
    assert (unification.always_match, unification.never_match) == (None, environment.file.parent / "never.csv")
    assert (unification.threshold, raw(environment).quarantine_share_max) == (0.95, 0.1)
    policy = ColumnPolicy(ColumnPolicyKind.MOST_RECENT, {"Shop_contacts": "Since", "CRM_accounts": "Changed"})
    assert unification.groups == (ColumnGroup(("FirstName", "City"), policy),)


def test_profiles_get_unified_columns_then_added_ones_between_their_keys(environment: Environment) -> None:
    columns = environment.catalog.get_table("Customer").columns

    assert [(column.name, column.type) for column in columns if not column.is_key] == [
        ("FirstName", ColumnType.STRING),
        ("EMail", ColumnType.STRING),
        ("City", ColumnType.STRING),
        ("Since", ColumnType.DATE),
        ("OptIn", ColumnType.BOOLEAN),
        ("Label", ColumnType.STRING),
        ("EMail_Standardized", ColumnType.STRING),
        ("TotalSpend", ColumnType.DECIMAL),
    ]
    keys = ["CustomerId", "Shop_contacts_ContactId", "CRM_accounts_AccountId", "PreviousCustomerId"]
    assert [column.name for column in columns if column.is_key] == keys
    assert (columns[0].name, columns[-1].name) == (keys[0], keys[-1])


def test_enrichment_is_what_the_section_says(environment: Environment) -> None:
    enrichment = raw(environment).enrichment

    assert enrichment.standards == (Standard("EMail", StandardKind.EMAIL),)
    assert enrichment.references == (
        Reference(
            table="Finance_spend",
            match=(("EMail_Standardized", "Email"),),
            columns=(AddedColumn("TotalSpend", "Spend", ColumnType.DECIMAL),),
            normalizations=(Normalization.CASE,),
        ),
    )


def test_a_prediction_is_a_table_with_its_maker(environment: Environment) -> None:
    table = environment.catalog.get_table("Churn")

    assert (table.contents, table.maker, table.primary_key) == (Contents.PREDICTION, "Churn of 2026", "Id")
    assert table.columns[0] == Column("Id", is_key=True, is_mandatory=True)


@pytest.mark.parametrize(
    ("old", "new", "path", "said"),
    [
        ("unification:\n", "unified: {customer: {file: c.csv, columns: {}}}\nunification:\n", "unification", "as well"),
        ("tables: [Shop_contacts, CRM_accounts]", "tables: [Shop_contact]", "unification.tables[0]", "did you mean"),
        ("tables: [Shop_contacts, CRM_accounts]", "tables: []", "unification.tables", "expected at least 1 in it"),
        ("[Shop_contacts, CRM", "[Shop_contacts, Shop_contacts, CRM", "unification.tables[1]", "there twice"),
        ("only_matched: [CRM_accounts]", "only_matched: [Finance_spend]", "unification.only_matched[0]", "no table of"),
        (
            "    CRM_accounts:\n      winner",
            "    Finance_spend:\n      winner",
            "unification.deduplication",
            "no table",
        ),
        ("most_recent: Changed", "most_recent: City", "unification.deduplication.CRM_accounts.winner", "type string"),
        (
            "winner: {most_recent: Changed}",
            "winner: best",
            "unification.deduplication.CRM_accounts.winner",
            "most_filled",
        ),
        ("column: Mail, normalize", "column: Male, normalize", "rules[0].conditions[0].column", "did you mean 'Mail'"),
        ("whitespace, case", "whitespace, cases", "rules[0].conditions[0].normalize[1]", "did you mean 'case'"),
        ("precision: 70 %", "precision: higher", "matching[0].conditions[1].precision", "a percentage"),
        ("precision: 70 %", "precision: 0.7", "matching[0].conditions[1].precision", "a percentage"),
        ("{column: FirstName, p", "{column: Changed, other_column: Since, p", "conditions[1]", "the same type"),
        (
            "{column: FirstName, p",
            "{column: Changed, other_column: Since, normalize: [case], p",
            "column",
            "expected str",
        ),
        (
            "table: CRM_accounts\n      other_table: Shop_contacts",
            "table: Shop_contacts\n      other_table: CRM_accounts",
            "unification.matching[0].other_table",
            "does not stand before",
        ),
        ("never_match: never.csv", "never_match: other.csv", "unification.never_match", "does not exist"),
        ("never_match: never.csv", "never_match: never.txt", "unification.never_match", "ending in .csv"),
        ("threshold: 0.95", "threshold: 1.5", "unification.linkage.threshold", "a number below 1"),
        ("threshold: 0.95", "threshold: high", "unification.linkage.threshold", "the string 'high', expected a number"),
        ("share_max: 0.1", "share_max: -1", "quarantine_share_max", "a number of at least 0"),
        ("CRM_accounts: Mail,", "CRM_accounts: Male,", "unification.columns.EMail", "Male"),
        ("policy: {most_recent: {", "policy: {newest: {", "unification.groups[0].policy", "importance, or"),
        ("exclude: [Changed]", "exclude: [Chang]", "unification.exclude[0]", "did you mean 'Changed'"),
        ("{EMail: {kind: email}}", "{Mail: {kind: email}}", "enrichment.standardize.Mail", "no column 'Mail'"),
        ("{kind: email}", "{kind: mail}", "enrichment.standardize.EMail.kind", "one of phone, email, address"),
        ("table: Finance_spend, m", "table: Finance_spent, m", "enrichment.reference[0].table", "did you mean"),
        ("EMail_Standardized: Email}", "EMail_Standardized: Mail}", "match.EMail_Standardized", "no column 'Mail'"),
        ("{TotalSpend: Spend}", "{TotalSpend: Spent}", "enrichment.reference[0].columns.TotalSpend", "did you mean"),
        ("{TotalSpend: Spend}", "{city: Spend}", "enrichment.reference[0].columns.city", "city twice"),
        ("    file: spend.csv\n", "", "tables.Finance_spend", "expected its `file`"),
        ("Spend: decimal", "Spend: decimal, SPEND: integer", "tables.Finance_spend.columns.SPEND", "in case alone"),
        ("  Finance_spend:", "  crm_Accounts:", "tables.crm_Accounts", "differs from CRM_accounts"),
        ("Score: decimal", "ID: string", "predictions.Churn.columns.ID", "differs from Id"),
        (
            "Mail: string, C",
            "Mail: string, firstname: string, C",
            "tables.Shop_contacts.columns.firstname",
            "from FirstName",
        ),
        ("{kind: email}", "{kind: phone, region: XX}", "enrichment.standardize.EMail.region", "code of a country"),
        ("normalize: [case]}", "normalize: [phone], region: us}", "conditions[0].region", "did you mean 'US'"),
        ("    file: contacts/*.parquet\n", "", "tables.Shop_contacts", "expected its `file`"),
        ("table: crm.accounts, ", "", "tables.CRM_accounts.database", "one of `table` and `query`"),
        ("watermark: Changed", "watermark: City", "tables.CRM_accounts.database.watermark", "type string"),
        ("    keep_rows: false", "    file: a.csv", "tables.CRM_accounts.database", "one of the two"),
        ("  Churn:", "  Finance_spend:", "predictions.Finance_spend", "of this name already"),
        ("  Churn:", "  FINANCE_spend:", "predictions.FINANCE_spend", "of this name already"),
        ("  Churn:", "  Finance_spend_Corrupt:", "predictions.Finance_spend_Corrupt", "could not be taken"),
        ("  Finance_spend:", "  Finance_spend_Corrupt:", "tables.Finance_spend_Corrupt", "could not be taken"),
        ("CustomerId: string, Score", "Customer: string, Score", "predictions.Churn.columns", "no column 'CustomerId'"),
        ("primary_key: Id", "primary_key: Score", "predictions.Churn.primary_key", "string or integer"),
    ],
)
def test_a_fault_is_told_with_its_place_and_what_is_expected(
    tmp_path: Path, old: str, new: str, path: str, said: str
) -> None:
    assert old in TEXT

    with pytest.raises(errors.EnvironmentInvalid) as raised:
        load(tmp_path, TEXT.replace(old, new, 1))

    assert path in raised.value.parts["path"]
    assert said in raised.value.parts["reason"]


def test_without_either_kind_of_data_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.EnvironmentInvalid, match="`unified` or `unification` is mandatory"):
        load(tmp_path, TEXT[: TEXT.index("tables:")])


def test_ready_made_files_do_not_go_with_a_database(tmp_path: Path) -> None:
    text = (
        TEXT[: TEXT.index("quarantine_share_max")] + "unified: {customer: {file: c.csv, columns: {CustomerId: string}}}"
    )

    with pytest.raises(errors.EnvironmentInvalid, match="for `unification` only"):
        load(tmp_path, text)
