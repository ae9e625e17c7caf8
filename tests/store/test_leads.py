"""Ways into many profiles: which conditions an index serves, and that every match satisfies one of them (S24)."""

import pytest

from tests import make
from topcoat.core.odata import binding, parser, printer
from topcoat.store import leads
from topcoat.store.leads import ColumnLead, IdLead, Indexed, Lead, SegmentLead, TokenLead

TABLE = make.table()
EVERY = frozenset(TABLE.columns_by_name)
INDEXED = Indexed(ordered=EVERY, trigrams=EVERY)


def find(text: str, indexed: Indexed = INDEXED, tokens: frozenset[str] | None = None) -> list[str] | None:
    tree = binding.bind_filter(parser.parse_filter(text), TABLE)
    found = leads.find_leads(tree, tokens, TABLE, indexed)
    return None if found is None else list(map(shown, found))


def shown(lead: Lead) -> str:
    match lead:
        case IdLead(condition):
            return f"id: {printer.print_expression(condition)}"
        case ColumnLead(column, condition):
            return f"{column.name}: {printer.print_expression(condition)}"
        case SegmentLead(segment):
            return f"segment: {segment}"
        case TokenLead(tokens):
            return f"tokens: {sorted(tokens)}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("City eq 'Paris'", ["City: City eq 'Paris'"]),
        ("'Paris' eq City", ["City: 'Paris' eq City"]),
        ("City in ('Paris', 'Rome')", ["City: City in ('Paris', 'Rome')"]),
        ("RewardsPoints gt 5", ["RewardsPoints: RewardsPoints gt 5"]),
        ("City eq null", ["City: City eq null"]),
        ("startswith(City,'Pa')", ["City: startswith(City, 'Pa')"]),
        ("contains(City,'ari')", ["City: contains(City, 'ari')"]),
        ("CustomerId gt 'x'", ["id: CustomerId gt 'x'"]),
        ("IsMemberOfSegment('Gold')", ["segment: Gold"]),
        ("EmailOptIn eq true", None),
        ("City ne 'Paris'", None),
        ("contains(City,'ar')", None),
        ("startswith(City,'')", None),
        ("endswith(City,'is')", None),
        ("tolower(City) eq 'paris'", ["City: like(City, 'paris')"]),
        ("contains(tolower(City),'aris')", ["City: like(City, '%aris%')"]),
        ("startswith(tolower(City),'par[')", ["City: like(City, 'par_%')"]),
        ("endswith(tolower(City),'ris')", ["City: like(City, '%ris')"]),
        ("tolower(City) eq 'kkkk'", None),
        ("tolower(City) eq FullName", None),
        ("tolower(City) ne 'paris'", None),
        ("length(tolower(City)) eq 5", None),
        ("not (City eq 'Paris')", None),
        ("City eq FullName", None),
    ],
)
def test_a_condition_leads_where_an_index_can_answer_it(text: str, found: list[str] | None) -> None:
    assert find(text) == found


def test_without_an_index_nothing_leads_but_ids_and_segments() -> None:
    assert find("City eq 'Paris'", Indexed()) is None
    assert find("contains(City,'ari')", Indexed(ordered=EVERY)) is None
    assert find("City eq 'Paris'", Indexed(trigrams=EVERY)) is None
    assert find("CustomerId eq 'x' or IsMemberOfSegment('Gold')", Indexed()) == [
        "id: CustomerId eq 'x'",
        "segment: Gold",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("RewardsPoints gt 5 and City eq 'Paris'", ["City: City eq 'Paris'"]),
        ("contains(City,'ari') and startswith(FullName,'A')", ["FullName: startswith(FullName, 'A')"]),
        ("City eq 'Paris' and CustomerId eq 'x'", ["id: CustomerId eq 'x'"]),
        ("endswith(City,'is') and RewardsPoints gt 5", ["RewardsPoints: RewardsPoints gt 5"]),
        ("not (City eq 'Paris') and EmailOptIn", None),
    ],
)
def test_of_terms_that_all_hold_the_one_likely_to_be_narrowest_leads(text: str, found: list[str] | None) -> None:
    assert find(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("City eq 'Paris' or RewardsPoints gt 5", ["City: City eq 'Paris'", "RewardsPoints: RewardsPoints gt 5"]),
        ("City eq 'Paris' or City eq 'Rome'", ["City: City eq 'Paris' or City eq 'Rome'"]),
        ("City eq 'Paris' or endswith(City,'is')", None),
        (
            "(City eq 'Paris' and EmailOptIn) or (FullName eq 'x' and RewardsPoints gt 5)",
            ["City: City eq 'Paris'", "FullName: FullName eq 'x'"],
        ),
    ],
)
def test_alternatives_need_a_lead_each(text: str, found: list[str] | None) -> None:
    assert find(text) == found


def test_too_many_leads_are_none() -> None:
    segments = [f"IsMemberOfSegment('{number}')" for number in range(leads.LEADS_MAX + 1)]

    assert find(" or ".join(segments)) is None
    assert find(" or ".join(segments[1:])) is not None


def test_words_lead_where_their_index_is_complete() -> None:
    words = frozenset({"abbie", "moss"})
    complete = Indexed(ordered=EVERY, has_tokens=True)

    assert find("RewardsPoints gt 5", complete, words) == ["tokens: ['abbie', 'moss']"]
    assert find("City eq 'Paris'", complete, words) == ["City: City eq 'Paris'"]
    assert find("RewardsPoints gt 5", INDEXED, words) == ["RewardsPoints: RewardsPoints gt 5"]
    assert leads.find_leads(None, None, TABLE, complete) is None
