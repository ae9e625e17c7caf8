"""The judge itself: what it lets pass and what not."""

from typing import Any

import pytest

from tests.contract import contract


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("boolean", True),
        ("array<InstanceInfo>", [{"name": None}]),
        ("InstanceInfo", {"instanceType": "trial", "expiryTimeUtc": "2026-11-24T12:00:00Z"}),
        ("IEntityMetadata", {"keys": [[{"name": "ActivityId"}]]}),
        ("EntityDataProfile", {"rowCount": 2**40}),
    ],
)
def test_what_is_declared_fits(type_: contract.Type, value: Any) -> None:
    assert [*contract.list_misfits(value, type_)] == []


@pytest.mark.parametrize(
    ("type_", "value", "complaint"),
    [
        ("boolean", None, "the answer is None, declared boolean"),
        ("boolean", 1, "the answer is 1, declared boolean"),
        ("array<InstanceInfo>", {}, "the answer is {}, declared array"),
        ("array<InstanceInfo>", [[]], "[0] is [], declared InstanceInfo"),
        ("InstanceInfo", {"id": "1"}, ".id is not declared in InstanceInfo"),
        ("InstanceInfo", {"instanceId": "1"}, ".instanceId is '1', declared uuid"),
        ("InstanceInfo", {"expiryTimeUtc": "2026-11-24T12:00:00"}, "declared dateTime"),
        ("InstanceInfo", {"instanceType": "Trial"}, "'Trial', declared ['trial', "),
        ("IEntityMetadata", {"keys": [[{"name": 5}]]}, ".keys[0][0].name is 5, declared string"),
        ("ODataEntityPayload", {"@odata.count": 2**31}, "declared int"),
    ],
)
def test_what_is_not_declared_is_told(type_: contract.Type, value: Any, complaint: str) -> None:
    [found] = contract.list_misfits(value, type_)

    assert complaint in found


@pytest.mark.parametrize(
    ("target", "complaints"),
    [
        ("/v1/instances/i/profile/keyring?dataSourceName=a&entityName=b&key=c", []),
        (
            "/v1/instances/i/profile/keyrings?dataSourceName=a&entityName=b&key=",
            ["sent GET /v1/instances/i/profile/key"],
        ),
        (
            "/v1/instances/i/profile/keyring?dataSourceName=a&entityName=b&keys=",
            ["query parameter keys is not declared", "query parameter key is missing"],
        ),
    ],
)
def test_what_is_sent_is_held_against_the_address_and_the_query(target: str, complaints: list[str]) -> None:
    found = [*contract.OPERATIONS["Get-KeyRing"].list_complaints("GET", target)]

    assert len(found) == len(complaints)
    assert all(told.startswith(complaint) for told, complaint in zip(found, complaints, strict=True))
