"""What is added to profiles, as it is said."""

from topcoat.core.enrichment import Standard, StandardKind


def test_a_standardised_copy_is_named_after_its_column() -> None:
    assert Standard("Telephone", StandardKind.PHONE, "US").name == "Telephone_Standardized"
