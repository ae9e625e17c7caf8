"""Keys of requests."""

import pytest

from topcoat.core.idempotency import request_key

SENT = (b"POST", b"/data", b"", b"{}")


def test_the_same_key_of_another_principal_is_another_key() -> None:
    ours, theirs = (request_key(principal=name, key="k", request=SENT) for name in ("ours", "theirs"))

    assert ours.key != theirs.key
    assert ours.request == theirs.request


@pytest.mark.parametrize("other", [(b"PATCH", *SENT[1:]), (b"POST", b"/dat", b"a", b"{}"), (*SENT[:3], b"{ }")])
def test_any_part_of_a_request_tells_it_from_another(other: tuple[bytes, ...]) -> None:
    one, another = (request_key(principal="us", key="k", request=request) for request in (SENT, other))

    assert one.key == another.key
    assert one.request != another.request
