import pytest

from topcoat.core import unification
from topcoat.core.unification import Condition


@pytest.mark.parametrize(
    ("written", "share"),
    [
        ("exact", 1.0),
        ("high", 0.8),
        ("medium", 0.6),
        ("low", 0.3),
        ("75%", 0.75),
        ("75 %", 0.75),
        ("0.5 %", 0.005),
        ("100 %", 1.0),
    ],
)
def test_a_precision_is_a_word_or_a_percentage(written, share):
    assert unification.read_precision(written) == share


@pytest.mark.parametrize(
    "written", ["", "High", "higher", "0 %", "101 %", "-5 %", "75", "7 5 %", "75  %", 75, 0.75, None]
)
def test_anything_else_is_no_precision(written):
    with pytest.raises(ValueError, match="exact, high, medium, low, or a percentage"):
        unification.read_precision(written)


@pytest.mark.parametrize(
    ("condition", "is_exact"),
    [
        (Condition("EMail", "Email"), True),
        (Condition("EMail", "Email", precision=0.8), False),
        (Condition("FirstName", "FirstName", differs=True), False),
    ],
)
def test_a_condition_is_exact_where_equal_values_alone_hold_it(condition, is_exact):
    assert condition.is_exact is is_exact
