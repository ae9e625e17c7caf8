"""One question on both surfaces has one answer: the same records in the same order."""

from dataclasses import dataclass
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

PROFILES = "/api/data/v9.2/msdynci_customerprofiles"
TEXTS = ("FullName", "City", "LoyaltyTier", "EMail")
NUMBERS = ("RewardsPoints", "TotalSpend")
ORDERINGS = ("eq", "ne", "gt", "ge", "lt", "le")
PIECES = ("Seattle", "SEATTLE", "gold", "Abbie Moss", "a", "O'", "contoso.com", "Zürich", "")


@dataclass(frozen=True)
class Asked:
    """The filter of the REST API, and Dataverse's, where strings have no case."""

    rest: str
    dataverse: str


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def compared_text(name: str, operator: str, text: str) -> Asked:
    return Asked(
        f"tolower({name}) {operator} {quoted(text.lower())}", f"msdynci_{name.lower()} {operator} {quoted(text)}"
    )


def found_text(function: str, name: str, text: str) -> Asked:
    return Asked(
        f"{function}(tolower({name}),{quoted(text.lower())})", f"{function}(msdynci_{name.lower()}, {quoted(text)})"
    )


def compared_number(name: str, operator: str, number: int) -> Asked:
    return Asked(f"{name} {operator} {number}", f"msdynci_{name.lower()} {operator} '{number}'")


def compared_null(name: str, operator: str) -> Asked:
    return Asked(f"{name} {operator} null", f"msdynci_{name.lower()} {operator} null")


def joined(word: str, left: Asked, right: Asked) -> Asked:
    return Asked(f"({left.rest} {word} {right.rest})", f"({left.dataverse} {word} {right.dataverse})")


def negated(asked: Asked) -> Asked:
    return Asked(f"not ({asked.rest})", f"not ({asked.dataverse})")


SIMPLE = st.one_of(
    st.builds(compared_text, st.sampled_from(TEXTS), st.sampled_from(ORDERINGS), st.sampled_from(PIECES)),
    st.builds(
        found_text,
        st.sampled_from(("contains", "startswith", "endswith")),
        st.sampled_from(TEXTS),
        st.sampled_from(PIECES),
    ),
    st.builds(compared_number, st.sampled_from(NUMBERS), st.sampled_from(ORDERINGS), st.sampled_from((0, 50, 700))),
    st.builds(compared_null, st.sampled_from((*TEXTS, *NUMBERS)), st.sampled_from(("eq", "ne"))),
)
FILTERS = st.recursive(
    SIMPLE,
    lambda inner: st.builds(joined, st.sampled_from(("and", "or")), inner, inner) | st.builds(negated, inner),
    max_leaves=4,
)


async def ids(client: httpx.AsyncClient, address: str, column: str, **options: Any) -> list[str]:
    answer = await client.get(address, params={f"${name}": value for name, value in options.items()})
    assert answer.status_code == 200, answer.text
    return [row[column] for row in answer.json()["value"]]


@settings(max_examples=60)
@given(asked=FILTERS, name=st.sampled_from((*TEXTS, *NUMBERS)), direction=st.sampled_from(("asc", "desc")))
async def test_the_same_question_finds_the_same_records_in_the_same_order(
    client: httpx.AsyncClient, base: str, asked: Asked, name: str, direction: str
) -> None:
    by_rest = await ids(client, f"{base}/data/Customer", "CustomerId", filter=asked.rest, orderby=f"{name} {direction}")
    by_dataverse = await ids(
        client,
        PROFILES,
        "msdynci_customerid",
        filter=asked.dataverse,
        orderby=f"msdynci_{name.lower()} {direction}",
    )

    assert by_dataverse == by_rest
