"""The `Idempotency-Key` header of writes."""

import httpx
import pytest

from tests.surfaces.state import activity, read_everything

KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


async def test_an_activity_sent_again_under_its_key_is_answered_as_the_first_time(
    client: httpx.AsyncClient, base: str, abbie: str
) -> None:
    record = activity(abbie)
    del record["ActivityId"]

    first, again = [await client.post(f"{base}/data/UnifiedActivity", json=record, headers=KEY) for _ in range(2)]

    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers["location"] == again.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"


async def test_a_change_sent_again_under_its_key_happens_once(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    address = f"{base}/data/Customer/{abbie}"
    first = await client.patch(address, json={"City": "Paris"}, headers=KEY)
    state = await read_everything(client, base, abbie)

    again = await client.patch(address, json={"City": "Paris"}, headers=KEY)

    assert first.status_code == again.status_code == 204
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await read_everything(client, base, abbie) == state


@pytest.mark.parametrize(("path", "body"), [("", {"City": "Rome"}), ("?caller=till", {"City": "Paris"})])
async def test_another_body_or_address_under_the_key_is_422(
    client: httpx.AsyncClient, base: str, abbie: str, path: str, body: dict[str, str]
) -> None:
    address = f"{base}/data/Customer/{abbie}"
    await client.patch(address, json={"City": "Paris"}, headers=KEY)
    state = await read_everything(client, base, abbie)

    answer = await client.patch(address + path, json=body, headers=KEY)

    assert answer.status_code == 422
    assert answer.json()["errorCode"] == "IdempotencyKeyReused"
    assert answer.json()["target"] == "Idempotency-Key"
    assert await read_everything(client, base, abbie) == state


@pytest.mark.parametrize("keys", [[b""], [b"k" * 256], [b"a\tb"], ["é".encode()], [b"a", b"a"]])
async def test_a_key_that_is_none_is_400(client: httpx.AsyncClient, base: str, abbie: str, keys: list[bytes]) -> None:
    headers = [(b"Idempotency-Key", key) for key in keys]

    answer = await client.patch(f"{base}/data/Customer/{abbie}", json={"City": "Paris"}, headers=headers)

    assert answer.status_code == 400
    assert answer.json()["target"] == "Idempotency-Key"
