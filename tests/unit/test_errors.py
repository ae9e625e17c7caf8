"""Every error says what is wrong, has a stable code, and has its place in the tree."""

import inspect
import string
from collections.abc import Iterator
from typing import Any

import pytest

from topcoat.core import errors
from topcoat.core.errors import TopcoatError


def subclasses(of: type[TopcoatError]) -> Iterator[type[TopcoatError]]:
    for child in of.__subclasses__():
        yield child
        yield from subclasses(child)


def drawn_parents() -> dict[str, str]:
    """The name of each error in the module's drawing -> the name of the one above it."""
    drawing = (errors.__doc__ or "").split("\n\n")[1].splitlines()
    path = [drawing[0]]
    parents = {}
    for line in drawing[1:]:
        branch, names = line.split("── ")
        depth = len(branch) // 4
        del path[depth + 1 :]
        for name in names.split(", "):
            parents[name] = path[depth]
        path.append(names.split(", ")[-1])
    return parents


def placeholders(error: type[TopcoatError]) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(error.text) if name]


ALL_ERRORS = sorted(subclasses(TopcoatError), key=lambda error: error.__name__)


def test_the_drawing_of_the_tree_shows_the_classes() -> None:
    parents = {error.__name__: error.__mro__[1].__name__ for error in ALL_ERRORS}

    assert drawn_parents() == parents


@pytest.mark.parametrize("error", ALL_ERRORS)
def test_the_code_of_an_error_is_its_name(error: type[TopcoatError]) -> None:
    assert error.code == error.__name__


def test_codes_are_unique() -> None:
    codes = [error.code for error in ALL_ERRORS]

    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("error", ALL_ERRORS)
def test_the_message_is_the_text_with_its_parts_filled_in(error: type[TopcoatError]) -> None:
    parts = {name: f"<{name}>" for name in placeholders(error)}

    raised = error(**parts)

    assert raised.message == str(raised)
    assert all(value in raised.message for value in parts.values())
    assert "{" not in raised.message
    assert raised.parts == parts


@pytest.mark.parametrize("error", ALL_ERRORS)
def test_a_message_is_one_line(error: type[TopcoatError]) -> None:
    message = error(**dict.fromkeys(placeholders(error), "x")).message

    assert message.strip() == message
    assert "\n" not in message


def test_an_error_without_a_text_of_its_own_cannot_be_defined() -> None:
    with pytest.raises(TypeError, match="Nameless lacks a text of its own"):
        type("Nameless", (TopcoatError,), {})


def test_messages_do_not_need_docstrings() -> None:
    """`python -OO` leaves docstrings out."""
    stripped: dict[str, Any] = {"__name__": "stripped"}
    exec(compile(inspect.getsource(errors), errors.__file__, "exec", optimize=2), stripped)

    assert [str(stripped[error.__name__](**dict.fromkeys(placeholders(error), "x"))) for error in ALL_ERRORS] == [
        str(error(**dict.fromkeys(placeholders(error), "x"))) for error in ALL_ERRORS
    ]


def test_braces_in_a_callers_text_stay_as_they_are() -> None:
    error = errors.UnknownColumn(table="Customer", column="{table} {0} {", suggestion="")

    assert error.message == "Table Customer has no column '{table} {0} {'."


@pytest.mark.parametrize(
    ("error", "target"),
    [
        (errors.UnknownColumn(table="Customer", column="Town", suggestion=""), "Town"),
        (errors.WrongType(table="Customer", column="City", found="null", expected="a string"), "City"),
        (errors.MissingColumn(table="Customer", column="CustomerId"), "CustomerId"),
        (errors.ReadOnlyColumn(table="Customer", column="CustomerId"), "CustomerId"),
        (errors.QuerySyntaxError(option="$filter", position=3, found="end", expected="a value"), "$filter"),
        (errors.OptionInvalid(option="$top", reason="is negative"), "$top"),
        (errors.ParameterInvalid(parameter="caller", found="too long", expected="less"), "caller"),
        (errors.ValidUntilUnreadable(value="x"), "validUntil"),
        (errors.ValidUntilOutOfRange(value="x", now="y", latest="z"), "validUntil"),
        (errors.UnknownCustomer(customer_id="x"), "CustomerId"),
        (errors.ContinuationInvalid(reason="it has expired"), "$skiptoken"),
        (errors.UnknownRole(role="Boss", suggestion="", known="Viewer"), "roles"),
        (errors.DefinitionInvalid(place="filters[0]", reason="is no condition"), "filters[0]"),
        (errors.IdempotencyKeyReused(), "Idempotency-Key"),
    ],
)
def test_the_target_is_what_the_error_is_about(error: TopcoatError, target: str) -> None:
    assert error.target == target


@pytest.mark.parametrize(
    "error",
    [
        errors.TableNotFound(table="Town", suggestion=""),
        errors.RecordNotFound(table="Customer", record_id="c1"),
        errors.EmptyChange(table="Customer"),
        errors.Overloaded(),
        errors.RefreshRunning(),
    ],
)
def test_an_error_about_nothing_that_was_named_has_no_target(error: TopcoatError) -> None:
    assert error.target is None


def test_an_error_without_parts_can_be_raised_as_its_class() -> None:
    with pytest.raises(errors.Overloaded, match=r"^Too many writes are waiting; nothing was stored\. Try again\.$"):
        raise errors.Overloaded


@pytest.mark.parametrize("error", list(subclasses(errors.Unavailable)))
def test_who_cannot_be_served_now_is_told_when_to_try_again(error: type[errors.Unavailable]) -> None:
    """S31."""
    assert error.retry_after_seconds >= 1
