"""The profiles: their table, and SQL that makes the document of profile number `n`."""

from typing import Final

from benchmarks.queries.numbers import day, decimal, digits, instant_text, mixed, picked
from benchmarks.queries.scale import GENERATION
from topcoat.core.catalog import CUSTOMER, CUSTOMER_ID, Column, ColumnType, Table, TableKind
from topcoat.sample import words
from topcoat.sample.tables import CONTACT_KEY, MEMBER_KEY
from topcoat.store.schema import GENERATION_OPEN


def _split(text: str) -> list[str]:
    return text.split()


_BEGINNINGS: Final = _split(
    "Alder Ashen Barrow Beck Birch Brad Carl Clay Crom Dal Dun Ells Fair Farn Gars Glen Had Hart Hol Kel "
    "Kings Lang Lock Mar Mel Nor Oak Pem Quen Rad Red Rush Sal Stan Strat Thorn Tun Wal Whit Yar"
)
_NAME_ENDINGS: Final = _split(
    "acre bank bourne bridge brook burn combe cote dale den field ford gate grove ham hurst ley low man more "
    "ridge stead stone ton wick"
)
_CITY_KINDS: Final = _split(
    "Bay Cape East Fort Glen Grand Great High Lake Little Long Lower Mount New North Old Point Port Royal Saint "
    "South Stoke Upper Wells West"
)
_FIRST_NAMES: Final = [name for name, _ in words.FIRST_NAMES]
_REGIONS: Final = ("Coast", "Highlands", "Islands", "Midlands", "Plains")
_COUNTRIES: Final = ("Canada", "United Kingdom", "United States")
_STREETS: Final = ("Main Street", "Pine Street", "Station Road", "Church Lane", "Harbour View", "Mill Road")
_STORES: Final = ("Central Station", "Harbour Mall", "Market Square", "Old Town", "Riverside", "University")
_LANGUAGES: Final = ("en-CA", "en-GB", "en-US", "es-US", "fr-CA")
_OCCUPATIONS: Final = ("Accountant", "Carpenter", "Designer", "Engineer", "Nurse", "Retired", "Student", "Teacher")
_COMPANIES: Final = ("Adventure Works", "Fabrikam", "Litware", "Northwind Traders", "Tailspin Toys", "Wingtip Toys")
_INTERESTS: Final = ("Espresso, brewing at home", "Filter coffee, latte art", "Cold brew, pastries", "Tea, chocolate")
_MAIL_DOMAINS: Final = ("contoso.com", "fabrikam.com", "example.com", "example.org")

CITIES: Final = [f"{kind} {beginning}mouth" for kind in _CITY_KINDS for beginning in _BEGINNINGS]
LAST_NAMES: Final = [beginning + ending for beginning in _BEGINNINGS for ending in _NAME_ENDINGS]
TIERS: Final = ("Bronze", "Silver", "Gold", "Platinum")
POINTS_MAX: Final = 10_000


def rare_parts() -> list[str]:
    """Pieces of last names, each of them inside one name only."""
    parts = [name[1:] for name in LAST_NAMES]
    return [part for part in parts if sum(part in name for name in LAST_NAMES) == 1]


def customer_id(number: str) -> str:
    return f"md5('customer ' || {number})"


def city(number: str, salt: int) -> str:
    return f"{picked(_CITY_KINDS, number, salt)} || ' ' || {picked(_BEGINNINGS, number, salt + 1)} || 'mouth'"


def last_name(number: str, salt: int) -> str:
    return f"{picked(_BEGINNINGS, number, salt)} || {picked(_NAME_ENDINGS, number, salt + 1)}"


_STRING, _INTEGER, _DECIMAL = ColumnType.STRING, ColumnType.INTEGER, ColumnType.DECIMAL
_FIRST_SECOND: Final = 1_546_300_800  # 2019-01-01
_JOINING_SECONDS: Final = 200_000_000

_VALUES: Final = {
    CUSTOMER_ID: (_STRING, "customer_id"),
    "FullName": (_STRING, "first_name || ' ' || last_name"),
    "FirstName": (_STRING, "first_name"),
    "LastName": (_STRING, "last_name"),
    "EMail": (_STRING, f"lower(first_name || '.' || last_name) || n || '@' || {picked(_MAIL_DOMAINS, 'n', 20)}"),
    "Telephone": (_STRING, f"'+1 206 555 ' || {digits(4, 'n', 21)}"),
    "DateOfBirth": (ColumnType.DATE, day("1942-01-01", 23_360, "n", 22)),
    "Gender": (_STRING, picked(("Female", "Male", "Other"), "n", 23)),
    "AddressLine1": (_STRING, f"{digits(3, 'n', 24)} || ' ' || {picked(_STREETS, 'n', 25)}"),
    "AddressLine2": (_STRING, f"'Apartment ' || {digits(2, 'n', 26)}"),
    "City": (_STRING, city("n", 27)),
    "PostalCode": (_STRING, digits(5, "n", 29)),
    "Region": (_STRING, picked(_REGIONS, "n", 30)),
    "Country": (_STRING, picked(_COUNTRIES, "n", 31)),
    "LoyaltyTier": (_STRING, picked(TIERS, "n", 32)),
    "RewardsPoints": (_INTEGER, f"{mixed('n', 33)} % {POINTS_MAX}"),
    "TotalSpend": (_DECIMAL, decimal(5_000, 2, "n", 34)),
    "AverageOrderValue": (_DECIMAL, decimal(100, 2, "n", 35)),
    "OrdersCount": (_INTEGER, f"{mixed('n', 36)} % 200"),
    "EmailOptIn": (ColumnType.BOOLEAN, f"{mixed('n', 37)} % 2 = 0"),
    "CustomerSince": (ColumnType.DATE_TIME, instant_text(f"{_FIRST_SECOND} + {mixed('n', 38)} % {_JOINING_SECONDS}")),
    "LastPurchaseOn": (ColumnType.DATE, day("2024-01-01", 900, "n", 39)),
    "PreferredStore": (_STRING, picked(_STORES, "n", 40)),
    "PreferredLanguage": (_STRING, picked(_LANGUAGES, "n", 41)),
    "Occupation": (_STRING, picked(_OCCUPATIONS, "n", 42)),
    "Company": (_STRING, picked(_COMPANIES, "n", 43)),
    "ChurnScore": (_DECIMAL, decimal(1, 3, "n", 44)),
    "Interests": (_STRING, picked(_INTERESTS, "n", 45)),
    CONTACT_KEY: (_STRING, "'CNTID_' || n"),
    MEMBER_KEY: (_STRING, "'LOYID_' || n"),
}
_KEYS: Final = (CUSTOMER_ID, CONTACT_KEY, MEMBER_KEY)

TABLE: Final = Table(
    name=CUSTOMER,
    kind=TableKind.CUSTOMER,
    primary_key=CUSTOMER_ID,
    columns=tuple(
        Column(name, type_, is_key=name in _KEYS, is_mandatory=name == CUSTOMER_ID)
        for name, (type_, _) in _VALUES.items()
    ),
)


def insert_profiles(instance_id: int) -> str:
    """Those from `$1` to `$2`; `OFFSET 0` keeps PostgreSQL from working out names and documents several times."""
    document = ", ".join(f"'{name}', {sql}" for name, (_, sql) in _VALUES.items())
    return f"""
INSERT INTO snapshot_profile (instance_id, customer_id, generation_from, generation_to, digest, document)
SELECT {instance_id}, customer_id, {GENERATION}, {GENERATION_OPEN}, decode(md5(document::text), 'hex'), document
FROM (
    SELECT customer_id, jsonb_build_object({document}) AS document
    FROM (
        SELECT n, {customer_id("n")} AS customer_id, {picked(_FIRST_NAMES, "n", 10)} AS first_name,
               {last_name("n", 11)} AS last_name
        FROM generate_series($1::bigint, $2::bigint) AS n OFFSET 0
    ) AS person OFFSET 0
) AS made
"""
