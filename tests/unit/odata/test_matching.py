"""`$search`: which records a question finds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from topcoat.core.odata import matching, parser, syntax
from topcoat.core.odata.matching import compile_search, needed_tokens, search_tokens, tokens_of


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("Abbie Moss", ["abbie", "moss"]),
        ("O'Brien-Smith", ["o", "brien", "smith"]),
        ("abbie.moss@contoso.com", ["abbie", "moss", "contoso", "com"]),
        ("snake_case", ["snake", "case"]),
        ("Straße", ["strasse"]),
        ("ΣΊΣΥΦΟΣ", ["σίσυφοσ"]),
        ("東京 2026", ["東京", "2026"]),
        ("+47 22-33", ["47", "22", "33"]),
        ("🦀!", []),
    ],
)
def test_tokens_are_runs_of_letters_and_digits_whatever_their_case(text, tokens):
    assert tokens_of(text) == tokens


@given(st.text())
def test_every_letter_and_digit_is_in_a_token_and_nothing_else_is(text):
    assert "".join(tokens_of(text)) == "".join(c for c in text.casefold() if c.isalnum())


RECORD = {"FullName": "Abbie Moss-Dupont", "City": "Zürich", "RewardsPoints": 120, "CustomerId": "secret"}
COLUMNS = [column for column in make.table().columns if column.name in ("FullName", "City")]


def test_only_the_searched_columns_are_searched():
    assert search_tokens(RECORD, COLUMNS) == {"abbie", "moss", "dupont", "zürich"}
    assert search_tokens({"FullName": None, "City": 5}, COLUMNS) == frozenset()
    assert search_tokens(RECORD, []) == frozenset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abbie", True),
        ("ABBIE", True),
        ("ZÜRICH", True),
        ("abb", False),
        ("secret", False),
        ("120", False),
        ("abbie-nobody", True),
        ("nobody-abbie", True),
        ('"nobody abbie"', True),
        ('"moss abbie"', True),
        ("nobody abbie", True),
        ("nobody noone", False),
        ("abbie AND nobody", False),
        ("abbie AND moss", True),
        ("abbie AND nobody moss", True),
        ("nobody OR moss", True),
        ("NOT abbie", False),
        ("NOT nobody", True),
        ("abbie NOT moss", False),
        ("NOT nobody abbie", False),
        ("abbie AND NOT (nobody OR noone)", True),
        ("&", False),
        ("NOT &", True),
        ("& abbie", True),
        ("'abbie'", True),
    ],
)
def test_a_question_finds_whole_words(text, expected):
    tokens = search_tokens(RECORD, COLUMNS)
    matches = compile_search(parser.parse_search(text))

    assert matches(tokens) is expected
    assert matches(sorted(tokens)) is expected


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("Abbie-Moss", [{"abbie", "moss"}]),
        ('"Abbie Moss"', [{"abbie", "moss"}]),
        ("abbie OR moss", [{"abbie", "moss"}]),
        ("moss AND abbie", [{"abbie"}, {"moss"}]),
        ("abbie moss AND dupont", [{"dupont"}, {"abbie", "moss"}]),
        ("(abbie AND moss) OR dupont", [{"abbie", "dupont"}]),
        ("NOT abbie", []),
        ("moss AND NOT abbie", [{"moss"}]),
        ("moss OR NOT abbie", []),
        ("NOT moss AND NOT abbie", []),
        ("&", [set()]),
        ("& AND abbie", [set(), {"abbie"}]),
        ("& OR abbie", [{"abbie"}]),
    ],
)
def test_the_needed_tokens_are_those_of_every_part_the_narrowest_first(text, needed):
    assert list(needed_tokens(parser.parse_search(text))) == needed


words = st.sampled_from(["a", "b", "c", "a-b", "B c", "&"])
searches = st.recursive(
    st.builds(syntax.SearchTerm, words) | st.builds(syntax.SearchPhrase, words),
    lambda inner: st.one_of(
        st.builds(syntax.SearchNot, inner),
        st.builds(syntax.SearchAnd, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(syntax.SearchOr, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)


@given(searches, st.frozensets(st.sampled_from("abcd")))
def test_a_match_has_one_of_each_set_of_needed_tokens(tree, tokens):
    matches = compile_search(tree)(tokens)

    assert not matches or all(needed & tokens for needed in needed_tokens(tree))


@given(st.lists(searches, min_size=2, max_size=3), st.frozensets(st.sampled_from("abcd")))
def test_some_all_and_none_are_what_they_say(terms, tokens):
    found = [compile_search(term)(tokens) for term in terms]

    assert compile_search(syntax.SearchOr(tuple(terms)))(tokens) is any(found)
    assert compile_search(syntax.SearchAnd(tuple(terms)))(tokens) is all(found)
    assert compile_search(syntax.SearchNot(terms[0]))(tokens) is not found[0]


def test_words_side_by_side_mean_what_their_hyphenated_word_means():
    apart, joined = (compile_search(parser.parse_search(text)) for text in ("abbie moss", "abbie-moss"))

    for tokens in ({"abbie"}, {"moss"}, {"abbie", "moss"}, {"abbiemoss"}, set()):
        assert apart(tokens) is joined(tokens)


def test_a_matcher_takes_any_collection():
    assert isinstance(matching.compile_search(syntax.SearchTerm("a"))(["a", "b"]), bool)
