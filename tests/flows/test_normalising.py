import inspect

import ibis
import phonenumbers
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import IS_THOROUGH
from topcoat.core.unification import Normalization
from topcoat.flows.refresh.unify import levelling, normalising

WHITESPACE, CASE, SYMBOLS = Normalization.WHITESPACE, Normalization.CASE, Normalization.SYMBOLS
NUMERALS, UNICODE = Normalization.NUMERALS, Normalization.UNICODE
PHONE, NAME, ADDRESS, ORGANIZATION = (
    Normalization.PHONE,
    Normalization.NAME,
    Normalization.ADDRESS,
    Normalization.ORGANIZATION,
)

BACKEND = ibis.duckdb.connect()


def normalised(texts, kinds, region=None):
    rows = pyarrow.table({"n": range(len(texts)), "text": pyarrow.array(texts, pyarrow.string())})
    table = ibis.memtable(rows)
    levelled = table.select("n", text=normalising.normalise(table.text, kinds, region=region)).order_by("n")
    return BACKEND.to_pyarrow(levelled)["text"].to_pylist()


DOCUMENTED = [
    (
        WHITESPACE,
        {
            " Jane  Doe ": "JaneDoe",
            "a\tb\r\nc\x0bd": "abcd",
            "1\u00a0000\u2009000\u3000\u200b\ufeff\x85": "1000000",
            " ": None,
            "": None,
            None: None,
        },
    ),
    (CASE, {"JANE Doe": "jane doe", "ÅSE ØRN": "åse ørn", "ΩMEGA": "ωmega", None: None}),
    (
        SYMBOLS,
        {
            "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~": None,
            "(206) 555-0100": "206 5550100",
            "O'Brien": "OBrien",
            "a€b": "a€b",
        },
    ),
    (
        NUMERALS,
        {
            "Henry VIII": "Henry 8",
            "IV. Street": "4. Street",
            "MCMXCIV": "1994",
            "louis xiv": "louis 14",
            "Ⅷ": "8",
            "٠١٢٣٤٥٦٧٨٩": "0123456789",
            "１２３ Ⅳ": "123 4",
            "४२": "42",
            "Mix Liv VIIII IIX": "Mix Liv VIIII IIX",
            "VIIIth D'Angelo I'm": "VIIIth D'Angelo I'm",
            "x²": "x²",
        },
    ),
    (
        UNICODE,
        {
            "Crème Brûlée": "Creme Brulee",
            "ề": "e",
            "Søren Łukasz Đorđe Æsir Œuvre Þór": "Soren Lukasz Dorde AEsir OEuvre THor",
            "Straße GROẞ": "Strasse GROSS",
            "e\u0301": "e",
            "ﬁ Ａ１ ½": "fi A1 1/2",
            "“it’s” – —": '"it\'s" - -',
            "Ωμέγα 東京 서울 й": "Ωμέγα 東京 서울 й",
            "plain": "plain",
        },
    ),
    (
        NAME,
        {
            "Mr. John Smith": "john smith",
            "Smith, John": "john smith",
            "SMITH, Dr. John": "john smith",
            "Prof. Dr. Ada Lovelace, PhD": "ada lovelace",
            "Jean-Luc O'Neill": "jean luc oneill",
            "Smith, John, Jr.": "john smith jr",
            "Smith Jr., John": "john smith jr",
            "John Smith, Jr.": "john smith jr",
            "John Smith III": "john smith iii",
            "Dr.": "dr",
            "Sir  Elton   John": "elton john",
            "Misty Drake": "misty drake",
            "—": None,
        },
    ),
    (
        ADDRESS,
        {
            "12 Main Street": "12 main st",
            "12 MAIN ST.": "12 main st",
            "Fifth Avenue, Suite #400": "fifth ave ste 400",
            "fifth ave ste 400": "fifth ave ste 400",
            "100 North Lake Boulevard, Apt. 4": "100 n lake blvd apt 4",
            "P.O. Box 12": "po box 12",
            "Post Office Box 12": "po box 12",
            "Hauptstraße 5": "hauptstr 5",
            "Hauptstr. 5": "hauptstr 5",
            "Hauptstrasse 5": "hauptstr 5",
            "Lake-Drive": "lake dr",
        },
    ),
    (
        ORGANIZATION,
        {
            "Contoso Ltd.": "contoso",
            "CONTOSO, Inc.": "contoso",
            "Contoso Coffee GmbH & Co. KG": "contoso coffee",
            "Fabrikam A/S": "fabrikam",
            "Fabrikam AS": "fabrikam",
            "Northwind S.A.": "northwind",
            "Company": "company",
            "Ben & Jerry": "ben and jerry",
            "Asana": "asana",
        },
    ),
]


@pytest.mark.parametrize(("kind", "cases"), DOCUMENTED)
def test_each_normalisation_does_what_is_documented(kind, cases):
    assert dict(zip(cases, normalised(list(cases), [kind]), strict=True)) == cases


LEVELLED = {
    NUMERALS: levelling.to_arabic_numerals,
    UNICODE: levelling.fold_to_ascii,
    NAME: levelling.standard_name,
    ADDRESS: levelling.standard_address,
    ORGANIZATION: levelling.standard_organization,
}


@pytest.mark.parametrize(("kind", "cases"), [case for case in DOCUMENTED if case[0] in LEVELLED])
def test_a_text_alone_is_levelled_as_in_the_engine(kind, cases):
    """The engine's threads are none that coverage sees."""
    level = inspect.unwrap(LEVELLED[kind])

    assert {text: level(text) or None for text in cases} == cases


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("(206) 555-0100", "US", "+12065550100"),
        ("+44 (0)20 7946 0958", "US", "+442079460958"),
        ("(206) 555-0100", "NO", "2065550100"),
        ("(206) 555-0100", "", "2065550100"),
    ],
)
def test_a_number_alone_is_levelled_as_in_the_engine(text, region, number):
    assert inspect.unwrap(levelling.standard_phone)(text, region) == number


@pytest.mark.parametrize(
    ("region", "cases"),
    [
        (
            "US",
            {
                "(206) 555-0100": "+12065550100",
                "206.555.0100": "+12065550100",
                "1-206-555-0100": "+12065550100",
                "+1 206 555 0100": "+12065550100",
                "0044 20 7946 0958": "00442079460958",
                "+44 (0)20 7946 0958": "+442079460958",
                "+47 22 12 34 56": "+4722123456",
                "tel. 206-555-0100": "+12065550100",
                "n/a": None,
                None: None,
            },
        ),
        ("NO", {"22 12 34 56": "+4722123456", "0047 22123456": "+4722123456", "(206) 555-0100": "2065550100"}),
        ("CA", {"416 555 0100": "+14165550100"}),
        (None, {"+1 (206) 555-0100": "+12065550100", "(206) 555-0100": "2065550100", "٢٢ ١٢": "2212"}),
    ],
)
def test_phone_numbers_become_those_of_the_world(region, cases):
    assert dict(zip(cases, normalised(list(cases), [PHONE, CASE, WHITESPACE], region), strict=True)) == cases


@given(
    template=st.sampled_from(["{}{}{}", "({}) {}-{}", "{}-{}-{}", "{}.{}.{}", "1{}{}{}", "+1 {} {} {}", "+1({}){}-{}"]),
    parts=st.tuples(st.integers(200, 999), st.integers(200, 999), st.integers(0, 9999).map("{:04}".format)),
)
def test_the_short_way_of_north_american_numbers_ends_where_the_library_does(template, parts):
    text = template.format(*parts)

    number = phonenumbers.format_number(phonenumbers.parse(text, "US"), phonenumbers.PhoneNumberFormat.E164)
    assert levelling.standard_phone(text, "US") == number


def test_normalisations_add_up_whatever_their_order():
    text = "  Dr. Ångström,  Ærø VIII "

    assert normalised([text], [UNICODE, CASE, SYMBOLS, NUMERALS, WHITESPACE]) == ["drangstromaero8"]
    assert normalised([text], [WHITESPACE, NUMERALS, SYMBOLS, CASE, UNICODE]) == ["drangstromaero8"]


PLAIN = [WHITESPACE, CASE, SYMBOLS, NUMERALS, UNICODE]
LIKELY = st.lists(
    st.sampled_from(["Dr", "PhD", ",", ".", "'", " ", "I", "x", "Street", "Ltd", "Å", "ß", "-", "1"])
).map("".join)
TEXTS = st.lists(st.text(max_size=12) | LIKELY, min_size=50, max_size=100)


@settings(max_examples=50 if IS_THOROUGH else 4, deadline=None)
@given(texts=TEXTS, kinds=st.sets(st.sampled_from(PLAIN)))
def test_normalising_again_changes_nothing(texts, kinds):
    once = normalised(texts, list(kinds))

    assert normalised(once, list(kinds)) == once


@settings(max_examples=50 if IS_THOROUGH else 4, deadline=None)
@given(
    texts=TEXTS,
    kinds=st.sets(st.sampled_from([CASE, SYMBOLS, NUMERALS, UNICODE])),
    type_=st.sampled_from([NAME, ADDRESS, ORGANIZATION]),
)
def test_normalising_as_a_type_again_changes_nothing(texts, kinds, type_):
    once = normalised(texts, [type_, *kinds])

    assert normalised(once, [type_, *kinds]) == once


def test_a_number_of_the_world_stays_as_it_is():
    for region in phonenumbers.SUPPORTED_REGIONS:
        example = phonenumbers.example_number(region)
        number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)

        assert levelling.standard_phone(number, region) == number
