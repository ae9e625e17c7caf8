"""Long and broken addresses on a socket: what the server in front of the application makes of them."""

import json
from typing import Any

import pytest

from tests.contract.installation import INSTANCE_ID, Server, headers
from tests.contract.wire import connect, receive
from topcoat.surfaces.access import ADDRESS_BYTES_MAX

DATA = f"/api/instances/{INSTANCE_ID}/data"


def get(server: Server, address: bytes) -> tuple[int, dict[str, Any]]:
    """The address goes out as it is."""
    sent = "".join(f"{name}: {value}\r\n" for name, value in (headers() | {"Host": "topcoat"}).items())
    with connect(server) as connection:
        connection.sendall(b"GET " + address + b" HTTP/1.1\r\n" + sent.encode() + b"\r\n")
        status, content_type, body = receive(connection)
    assert content_type == "application/json", body
    content: dict[str, Any] = json.loads(body)
    return status, content


def test_an_address_up_to_the_limit_is_read(server: Server, abbie: str) -> None:
    start = f"{DATA}/Customer?$filter=CustomerId%20eq%20'{abbie}'&x=".encode()

    status, page = get(server, start + b"x" * (ADDRESS_BYTES_MAX + 1 - len(start)))

    assert status == 200, page
    assert [row["CustomerId"] for row in page["value"]] == [abbie]


def test_a_long_path_is_read_like_a_short_one(server: Server, abbie: str) -> None:
    path = f"{DATA}/Customer%3F%24filter%3DCustomerId%20eq%20'{abbie}'%26x%3D".encode()

    status, page = get(server, path + b"%C3%A9" * 20_000 + b"?$select=CustomerId")

    assert status == 200, page
    assert page["value"] == [{"CustomerId": abbie}]


@pytest.mark.parametrize("length_bytes", [ADDRESS_BYTES_MAX, 3 * ADDRESS_BYTES_MAX])
@pytest.mark.parametrize("start", ["/Customer?x=", "/Customer('", "/Customer%3Fx="])
def test_a_longer_one_is_414_with_the_limit(server: Server, start: str, length_bytes: int) -> None:
    status, problem = get(server, f"{DATA}{start}".encode() + b"x" * length_bytes)

    assert status == 414
    assert problem["errorCode"] == "AddressTooLong"
    assert f"the limit of {ADDRESS_BYTES_MAX} bytes" in problem["message"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (b"$filter=City%20eq%20'%zz'", "$filter is encoded badly: '%zz' is no % with two hexadecimal digits"),
        (b"$filter=City%20eq%20'%C3%28'", "$filter is encoded badly: %C3 is not UTF-8"),
        (b"$top=%", "$top is encoded badly: '%'"),
    ],
)
def test_a_fault_in_the_encoding_is_told(server: Server, query: bytes, message: str) -> None:
    status, problem = get(server, f"{DATA}/Customer?".encode() + query)

    assert status == 400
    assert problem["errorCode"] == "OptionInvalid"
    assert message in problem["message"]
