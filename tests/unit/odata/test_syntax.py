"""Trees made of others."""

import pytest

from topcoat.core.odata import syntax
from topcoat.core.odata.syntax import Expression

TRUE, FALSE = syntax.Boolean(value=True), syntax.Boolean(value=False)


@pytest.mark.parametrize(
    ("terms", "together"), [([], None), ([TRUE], TRUE), ([TRUE, FALSE], syntax.And((TRUE, FALSE)))]
)
def test_conditions_that_hold_together_are_one(terms: list[Expression], together: Expression | None) -> None:
    assert syntax.all_of(terms) == together
