"""Keys as GUIDs and back."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topcoat.core import catalog, row_guids
from topcoat.core.row_guids import PossibleKeys

ids = st.text(max_size=20).filter(catalog.check_id)
long_ids = st.text(min_size=16, max_size=100).filter(catalog.check_id)
guids = st.uuids()
scopes = st.sampled_from(["", "alternatekey/PoS_posPurchases", "enrichment/Interests", "é"])
GUID = uuid.UUID("0123abcd-0000-4000-8000-00000000ffff")


@given(ids | long_ids | guids.map(str) | guids.map(lambda guid: guid.hex), scopes)
def test_a_key_is_among_those_of_its_guid_unless_it_is_too_long(key: str, scope: str) -> None:
    found = row_guids.keys_of(row_guids.guid_of(key, scope), scope)

    assert (key in found.keys) is not row_guids.is_digested(key)
    assert found.is_digest or not row_guids.is_digested(key)


@given(guids | ids.map(row_guids.guid_of), scopes)
def test_every_key_of_a_guid_has_that_guid(guid: uuid.UUID, scope: str) -> None:
    found = row_guids.keys_of(guid, scope)

    assert {row_guids.guid_of(key, scope) for key in found.keys} == {guid}


@given(guids)
def test_a_uuid_is_its_own_guid_with_dashes_and_without(guid: uuid.UUID) -> None:
    assert row_guids.guid_of(str(guid)) == row_guids.guid_of(guid.hex) == guid
    assert row_guids.keys_of(guid).keys[:2] == (guid.hex, str(guid))


@given(st.lists(ids | long_ids, unique=True, min_size=2, max_size=5))
def test_keys_that_are_no_uuids_have_guids_of_their_own(keys: list[str]) -> None:
    assert len({row_guids.guid_of(key) for key in keys}) == len(keys)


@given(ids | long_ids, st.lists(scopes, unique=True, min_size=2))
def test_scopes_keep_the_same_key_apart(key: str, scopes: list[str]) -> None:
    assert len({row_guids.guid_of(key, scope) for scope in scopes}) == len(scopes)


def test_a_key_comes_back_within_its_scope_alone() -> None:
    guid = row_guids.guid_of("C-1", "enrichment/Interests")

    assert "C-1" in row_guids.keys_of(guid, "enrichment/Interests").keys
    assert "C-1" not in row_guids.keys_of(guid, "enrichment/Habits").keys + row_guids.keys_of(guid).keys


@pytest.mark.parametrize("key", ["C-1", "é" * 7, "x" * 15, "x" * 16, "GUID".ljust(32, "0"), str(GUID).upper()])
def test_what_is_no_uuid_gets_one_of_version_eight(key: str) -> None:
    guid = row_guids.guid_of(key)

    assert (guid.version, guid.variant) == (8, uuid.RFC_4122)


@pytest.mark.parametrize(
    ("key", "is_digested"),
    [("x" * 15, False), ("é" * 8, True), (GUID.hex, False), (str(GUID), False), (str(GUID).upper(), True)],
)
def test_more_than_fifteen_bytes_do_not_stand_in_a_guid_unless_they_are_one(key: str, is_digested: bool) -> None:
    assert row_guids.is_digested(key) is is_digested
    assert row_guids.keys_of(row_guids.guid_of(key)).is_digest is is_digested


@pytest.mark.parametrize("last", [0xFF, 0x07], ids=["no UTF-8", "a control character"])
def test_a_guid_in_which_no_key_can_stand_leads_to_none(last: int) -> None:
    guid = uuid.UUID(int=row_guids.guid_of("x" * 15).int ^ ord("x") ^ last)

    assert row_guids.keys_of(guid) == PossibleKeys((guid.hex, str(guid)))
