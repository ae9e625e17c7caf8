"""What names and texts of definitions have to be."""

import pytest

from topcoat.core import definitions, errors


@pytest.mark.parametrize("name", ["a", "PoS_to_Loyalty", "_", "2026", "x" * 100])
def test_a_name_has_letters_digits_and_underscores(name: str) -> None:
    definitions.check_name(name)


@pytest.mark.parametrize("name", ["", "a-b", "a b", "a/b", "é", "a\n", "x" * 101])
def test_any_other_name_is_refused(name: str) -> None:
    with pytest.raises(errors.ParameterInvalid, match="expected 1 to 100 letters, digits and underscores"):
        definitions.check_name(name)


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "a\0b", "x" * 201])
def test_a_text_is_what_people_can_read_in_one_line(text: str) -> None:
    with pytest.raises(errors.ParameterInvalid, match="friendlyName"):
        definitions.check_text("friendlyName", text)


def test_a_description_has_lines_and_may_be_empty() -> None:
    definitions.check_description("")
    definitions.check_description("of shops\n\tand till numbers")


@pytest.mark.parametrize("text", ["a\0b", "x" * 1_001])
def test_a_description_has_an_end_and_no_control_characters(text: str) -> None:
    with pytest.raises(errors.ParameterInvalid, match="description is"):
        definitions.check_description(text)
