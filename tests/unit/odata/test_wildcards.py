"""Patterns with wildcards: as examples, and beside the slow and obvious way."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.odata.strategies import TABLE
from topcoat.core.odata import binding, evaluate, printer, syntax, wildcards
from topcoat.core.odata.evaluate import Subject
from topcoat.core.odata.value_types import ValueType, type_of


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a%b", "AxxB", True),
        ("a%b", "ab", True),
        ("a%", "b", False),
        ("%", "", True),
        ("", "", True),
        ("", "a", False),
        ("%x_z%", "aaxyzb", True),
        ("_", "", False),
        ("_", "\n", True),
        ("[a-c]%", "Bob", True),
        ("[^a]%", "abc", False),
        ("[c-a]", "-", True),
        ("[a.b]", ".", True),
        ("a[", "a[", True),
        ("%ab%ab", "abab", True),
        ("%ab%ab", "ab", False),
        ("%ab%ab", "xab yab", True),
        ("a.c", "abc", False),
        ("%ä%", "SCHÄFER", True),
    ],
)
def test_a_pattern_matches_a_whole_text_without_regard_to_case(pattern: str, text: str, expected: bool) -> None:
    assert wildcards.compile_pattern(pattern)(text) is expected


@given(st.text("ab%_", max_size=8), st.text("abAB", max_size=12))
def test_it_is_what_a_regular_expression_says(pattern: str, text: str) -> None:
    obvious = pattern.replace("%", ".*").replace("_", ".")

    assert wildcards.compile_pattern(pattern)(text) is (re.fullmatch(obvious, text.lower(), re.DOTALL) is not None)


@pytest.mark.parametrize(("text", "expected"), [("a%", True), ("a_b", True), ("[a]", True), ("a-b", False)])
def test_wildcards_are_told_from_text(text: str, expected: bool) -> None:
    assert wildcards.has_wildcard(text) is expected


@pytest.mark.parametrize(
    ("pattern", "asked"),
    [
        ("Par%", "par%"),
        ("a_b", "a%b"),
        ("kiki", "_i_i"),
        ("fi%", "f_%"),
        ("i\u0307", "_%"),
        ("a\\b", "a\\\\b"),
        ("zürich", "z%rich"),
        ("a[b]", None),
    ],
)
def test_what_a_database_is_asked_for_is_at_least_the_pattern(pattern: str, asked: str | None) -> None:
    assert wildcards.ascii_pattern(pattern) == asked


def test_two_characters_alone_become_ascii_without_their_case() -> None:
    beyond = [chr(code) for code in range(128, 0x110000) if not 0xD800 <= code <= 0xDFFF]

    assert [c for c in beyond if any(map(str.isascii, c.lower()))] == ["\u0130", "\u212a"]


@given(st.text("aikKİ\u0307ıß%_", max_size=6), st.text("aAiIkKİ\u0307ıßẞ\u212a", max_size=8))
def test_no_match_is_missed_by_what_a_database_is_asked_for(pattern: str, text: str) -> None:
    asked = wildcards.ascii_pattern(pattern)
    assert asked is not None
    lower = str.maketrans("AIK", "aik")
    finds = re.fullmatch(asked.replace("%", ".*").replace("_", "."), text.translate(lower), re.DOTALL) is not None

    assert finds or not wildcards.compile_pattern(pattern)(text)


def test_a_pattern_is_a_condition_on_a_string_which_null_leaves_unknown() -> None:
    bound = binding.bind_filter(syntax.Like(syntax.Column("text"), "s%"), TABLE)
    holds = evaluate.compile_filter(bound, TABLE)
    now = datetime(2026, 11, 25, tzinfo=UTC)

    assert bound == syntax.Like(syntax.Column("Text"), "s%")
    assert type_of(bound, TABLE) is ValueType.BOOLEAN
    assert [holds(Subject({"Text": text}, now)) for text in ("Sun", "moon", None)] == [True, False, None]
    assert printer.print_expression(bound) == "like(Text, 's%')"
    assert evaluate.columns_of(bound) == {"Text"}


@pytest.mark.parametrize(
    ("pattern", "literals"),
    [
        ('%"Male_under_40"%', ['"male', "under", '40"']),
        ("A[bc]d[^e]%", ["a", "d"]),
        ("a[", ["a["]),
        ("%_[x]", []),
        ("", []),
    ],
)
def test_a_pattern_tells_what_every_match_has_in_it(pattern: str, literals: list[str]) -> None:
    assert wildcards.list_literals(pattern) == literals


@given(st.text("aÄΣς%_[]b", max_size=8), st.text('aAäΣb"', max_size=12))
def test_every_match_has_the_literals_of_its_pattern(pattern: str, text: str) -> None:
    literals = wildcards.list_literals(pattern)

    assert not wildcards.compile_pattern(pattern)(text) or all(literal in text.lower() for literal in literals)
