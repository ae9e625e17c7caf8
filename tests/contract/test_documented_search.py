"""`$search` as the vendor documents it, through its published client and over bare HTTP."""

import re
from collections.abc import Callable

import pytest

from tests.contract.installation import Server
from tests.contract.published_client import PublishedClient
from tests.contract.test_documented_queries import Row, ids, read, read_over_http

# What the sample marks as searchable.
SEARCHED = ("FullName", "FirstName", "LastName", "EMail", "City", "AddressLine1")


@pytest.fixture(scope="module")
def customers(server: Server) -> list[Row]:
    found: list[Row] = read_over_http(server, "Customer?$top=1000")["value"]
    return found


def having(customers: list[Row], is_meant: Callable[[set[str]], bool]) -> list[str]:
    """Ids of those whose words in searchable columns are meant; some are, some are not."""
    meant = [row["CustomerId"] for row in customers if is_meant(words_of(row))]
    assert 0 < len(meant) < len(customers)
    return sorted(meant)


def words_of(row: Row) -> set[str]:
    text = " ".join(str(row[name] or "") for name in SEARCHED)
    return set(re.findall(r"[^\W_]+", text.casefold()))


@pytest.mark.parametrize("word", ["Seattle", "seattle", "MOSS", "contoso", "Chloé"])
def test_a_published_search_finds_the_rows_that_have_the_word(
    published_client: PublishedClient, server: Server, customers: list[Row], word: str
) -> None:
    address = f'Customer?$top=100&$skip=0&$search="{word}"'

    meant = having(customers, lambda words: word.casefold() in words)

    assert sorted(ids(read(published_client, address))) == meant
    assert sorted(ids(read_over_http(server, address)["value"])) == meant


def test_top_and_skip_page_through_what_a_search_finds(published_client: PublishedClient) -> None:
    everything = read(published_client, 'Customer?$search="contoso"')

    found = read(published_client, 'Customer?$top=2&$skip=1&$search="contoso"')

    assert len(everything) > 3
    assert found == everything[1:3]


@pytest.mark.parametrize("phrase", ['"abbie moss"', "abbie moss", "abbie-moss", '"Moss-Abbie"'])
def test_blanks_and_hyphens_part_terms_of_which_some_must_match(
    published_client: PublishedClient, customers: list[Row], phrase: str
) -> None:
    found = read(published_client, "Customer", search=phrase, top="100")

    assert sorted(ids(found)) == having(customers, lambda words: bool({"abbie", "moss"} & words))


@pytest.mark.parametrize("value", ["Gold", "CNTID_1001", "Female", "98101"])
def test_values_of_columns_that_are_not_searchable_are_not_found(
    published_client: PublishedClient, customers: list[Row], value: str
) -> None:
    assert any(value in map(str, row.values()) for row in customers)

    assert read(published_client, "Customer", search=value) == []


def test_a_search_may_be_narrowed_by_a_filter_and_a_segment(
    published_client: PublishedClient, customers: list[Row]
) -> None:
    found = read(published_client, "Customer?$search=\"contoso\"&$filter=City ne 'Seattle'&$orderby=FullName")

    meant = having(customers, lambda words: "contoso" in words and "seattle" not in words)
    assert sorted(ids(found)) == meant
    assert ids(found, "FullName") == sorted(ids(found, "FullName"))


def test_the_search_that_the_client_was_seen_to_send_is_answered(
    published_client: PublishedClient, customers: list[Row]
) -> None:
    found = read(
        published_client,
        "Customer",
        force_search=True,
        proxy=False,
        search='"moss"',
        select="CustomerId,FullName",
        skip="0",
        top="10",
    )

    assert sorted(ids(found)) == having(customers, lambda words: "moss" in words)
    assert all(set(row) == {"CustomerId", "FullName"} for row in found)
