"""Keys and their digests."""

from topcoat.core import subscription_keys


def test_a_key_is_told_by_its_digest() -> None:
    digests = [subscription_keys.digest_of(key) for key in ("one", "two")]

    assert [subscription_keys.is_one_of(key, digests) for key in ("one", "two", "three", "")] == [
        True,
        True,
        False,
        False,
    ]
    assert not subscription_keys.is_one_of("one", ())


def test_keys_are_long_and_never_the_same() -> None:
    keys = {subscription_keys.make_key() for _ in range(100)}

    assert len(keys) == 100
    assert {len(key) for key in keys} == {32}
