"""Tokens: what the index keeps of a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topcoat.core import tokens


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Abbie Moss", ["abbie", "moss"]),
        ("abbie.moss@contoso.com", ["abbie", "moss", "contoso", "com"]),
        ("O'Brien-Smith_Jones", ["o", "brien", "smith", "jones"]),
        ("Straße", ["strasse"]),
        ("Łódź ÅRHUS", ["łódź", "århus"]),
        ("東京 123", ["東京", "123"]),
        ("", []),
        (" -- ", []),
    ],
)
def test_tokens_are_casefolded_runs_of_letters_and_digits(text: str, found: list[str]) -> None:
    assert tokens.tokens_of(text) == found


@given(st.text())
def test_tokens_hold_every_letter_and_digit_of_the_casefolded_text_and_nothing_else(text: str) -> None:
    assert "".join(tokens.tokens_of(text)) == "".join(c for c in text.casefold() if c.isalnum())


def test_a_mark_that_casefolds_to_a_letter_is_one() -> None:
    assert tokens.tokens_of("\N{COMBINING GREEK YPOGEGRAMMENI}") == ["ι"]


def test_a_documents_tokens_are_those_of_the_strings_in_the_columns_named() -> None:
    document = {"City": "New York", "FullName": "York Moss", "Points": 5, "Email": "left@out", "Note": None}

    found = tokens.document_tokens(document, ["City", "FullName", "Points", "Note", "Missing"])

    assert found == ["moss", "new", "york"]


def test_a_token_longer_than_an_index_entry_may_be_is_kept_by_its_beginning() -> None:
    long = "x" * (tokens.TOKEN_LENGTH_MAX + 1)

    assert tokens.document_tokens({"City": long}, ["City"]) == [tokens.indexed_token(long)]
    assert long.startswith(tokens.indexed_token(long))
