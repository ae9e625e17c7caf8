"""The bytes that published clients were seen to send, on a raw socket: host, tokens, instance and ids are ours."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import orjson
import pytest

from tests.contract.installation import INSTANCE_ID, PRIMARY_KEY, Server
from tests.contract.wire import connect, receive

NEW, OLD = "customerinsights/1.0.8", "microsoft_customerinsights/1.0.3"


@dataclass(frozen=True)
class Recorded:
    """A request as recorded; `{abbie}`, `{soon}` stand for the ids and dates that are replaced."""

    name: str
    line: str
    status: int
    body: bytes | None = None
    is_authenticated: bool = True
    agent: str = NEW


INSTANCE = f"/v1/instances/{INSTANCE_ID}"
PATCHED = b'"{\\"EMail\\": \\"a@b.c\\"}"'
UNIFIED = (
    b'"{\\"ActivityId\\": \\"A-%d\\", \\"CustomerId\\": \\"{abbie}\\", \\"ActivityTime\\": \\"2026-11-01T00:00:00Z\\", '
    b'\\"ActivityType\\": \\"SalesOrder\\", \\"Title\\": \\"Bought \\\\\\"x\\\\\\" \\\\u00e9\\"}"'
)
INCOMPLETE = (
    b'"{\\"ActivityId\\": \\"A-1\\", \\"CustomerId\\": \\"c1\\", \\"Title\\": \\"Bought \\\\\\"x\\\\\\" \\\\u00e9\\"}"'
)
DICT_TEXT = b"\"{'ActivityId': 'A-1', 'CustomerId': 'c1', 'Title': 'Bought \\\"x\\\" \\u00e9'}\""

WRITES = [
    Recorded(
        "an activity as double-encoded text",
        "POST {instance}/data/UnifiedActivity?validUntil={soon}T03%3A04%3A05Z&caller=unit%20test",
        201,
        UNIFIED % 1,
    ),
    Recorded(
        "a datetime as validUntil, with a blank",
        "POST {instance}/data/UnifiedActivity?validUntil={soon}%2000%3A00%3A00%2B00%3A00",
        201,
        UNIFIED % 2,
    ),
    Recorded("the record as it was recorded", "POST {instance}/data/UnifiedActivity", 400, INCOMPLETE),
    Recorded("a dict's text", "POST {instance}/data/UnifiedActivity", 400, DICT_TEXT),
    Recorded("no body", "POST {instance}/data/UnifiedActivity", 400, b""),
    Recorded("an empty record", "POST {instance}/data/UnifiedActivity", 400, b'"{}"'),
    Recorded("a name with slash and blank", "POST {instance}/data/PoS_pos%20Purchases%2Fx", 400, b'"{}"'),
    Recorded("an unknown table", "POST {instance}/data/Nope", 400, b'"{}"'),
    Recorded("no headers of ours", "POST {instance}/data/UnifiedActivity", 401, b'"{}"', is_authenticated=False),
    Recorded(
        "a change",
        "PATCH {instance}/data/Customer/{abbie}?validUntil={soon}T03%3A04%3A05%2B00%3A00&caller=crm",
        204,
        PATCHED,
    ),
    Recorded(
        "a change of nobody",
        "PATCH {instance}/data/Customer/ce759201f786d590bf2134bff576c369?validUntil={soon}T03%3A04%3A05%2B00%3A00",
        404,
        PATCHED,
    ),
    Recorded("an id with a slash", "PATCH {instance}/data/Customer/c%2F1", 404, PATCHED),
    Recorded("an empty change", "PATCH {instance}/data/Customer/c%2F1", 400, b'"{}"'),
    Recorded(
        "1.0.3: a plain object",
        "POST {instance}/data/UnifiedActivity",
        400,
        b'{"ActivityId": "A", "n": 1, "t": true, "z": null}',
        agent=OLD,
    ),
    Recorded("1.0.3: a text", "POST {instance}/data/UnifiedActivity", 400, b'"{\\"ActivityId\\":\\"A\\"}"', agent=OLD),
    Recorded(
        "1.0.3: a plain object that is complete",
        "POST {instance}/data/UnifiedActivity",
        201,
        orjson.dumps(
            {
                "ActivityId": "A-3",
                "CustomerId": "{abbie}",
                "ActivityTime": "2026-11-01T00:00:00Z",
                "ActivityType": "SalesOrder",
                "Title": None,
            }
        ),
        agent=OLD,
    ),
]

READS = [
    Recorded(
        "every option at once, but $expand and $search do not go together",
        "GET {instance}/data/Customer?forceSearch=true&proxy=false&$search=%22smith%22&$select=CustomerId%2CFullName"
        "&$skip=0&$skiptoken=tok%3D1&$filter=CustomerId%20eq%20%27c%201%27&$orderby=ActivityTime%20asc"
        "&$expand=UnifiedActivity%2CCustomer_Measure&$top=10",
        400,
    ),
    Recorded(
        "a query inside the path",
        "GET {instance}/data/Customer%3F%24filter%3DCustomerId%20eq%20%27c1%27%26%24top%3D5",
        200,
    ),
    Recorded("a timeline of nobody", "GET {instance}/data/Customer%28%27c1%27%29%2FUnifiedActivity", 404),
    Recorded("a timeline", "GET {instance}/data/Customer%28%27{abbie}%27%29%2FUnifiedActivity", 200),
    Recorded("a table", "GET {instance}/data/Customer", 200),
    Recorded("numbers as options", "GET {instance}/data/Customer?$skip=2&$top=5", 200),
    Recorded("an unknown table", "GET {instance}/data/Nope", 404),
    Recorded("metadata", "GET {instance}/manage/entities/UnifiedActivity?attributesAnnotations=true", 200),
    Recorded("metadata by default", "GET {instance}/manage/entities/UnifiedActivity?attributesAnnotations=false", 200),
    Recorded("metadata of an unknown table", "GET {instance}/manage/entities/X?attributesAnnotations=false", 404),
    Recorded(
        "metadata of all",
        "GET {instance}/manage/entities"
        "?attributesAnnotations=false&includeQuarantined=false&includeSelfConflatedEntity=false",
        200,
    ),
    Recorded("size", "GET {instance}/manage/entities/Customer/entitysize", 200),
    Recorded(
        "key ring", "GET {instance}/profile/keyring?dataSourceName=PoS&entityName=posContacts&key=CNT%2F1%202", 404
    ),
    Recorded("activity types", "GET {instance}/profile/activityresponsemetadata?customerId=c1", 404),
    Recorded("instances", "GET /v1/instances", 200),
    Recorded("an instance", "GET {instance}", 200),
    Recorded("an instance with a blank", "GET /v1/instances/has%20space", 404),
    Recorded("an empty instance id", "GET /v1/instances/", 404),
    Recorded(
        "1.0.3: rows", "GET {instance}/data?relativePath=Customer?$top=5&Filter=a%20eq%20%27b%27&Top=3", 404, agent=OLD
    ),
]

THE_REST = [
    Recorded("job", "POST {instance}/workflows/main/jobs?operationType=all&forceRunRequested=true", 200, b""),
    Recorded(
        "job of some",
        "POST {instance}/workflows/main/jobs?operationType=ingestion&identifiers=ds1,ds%202&forceRunRequested=true",
        400,
        b"{}",
    ),
    Recorded("jobs", "GET {instance}/workflows/main/jobs?top=10&includeTasks=false", 200),
    Recorded("one job", "GET {instance}/workflows/main/jobs/j?includeTasks=true", 404),
    Recorded("status", "GET {instance}/workflows/main/status", 200),
    Recorded("cancel", "POST {instance}/workflows/main/jobs/j1/cancel", 404, b""),
    Recorded("segment", "POST {instance}/manage/segments", 400, b"{}"),
    Recorded("measure", "DELETE {instance}/manage/measures/m%201%2F2", 404, b""),
    Recorded("role", "DELETE {instance}/rbac/principals/p1/assignment", 403, b""),
    Recorded(
        "relationship",
        "PUT {instance}/manage/relationships/A_B",
        400,
        b'{"name": "A_B", "cardinality": "manyToOne"}',
    ),
]


@pytest.mark.parametrize("recorded", WRITES + READS + THE_REST, ids=lambda recorded: recorded.name)
def test_a_recorded_request_gets_its_documented_status(server: Server, abbie: str, recorded: Recorded) -> None:
    status, content_type, body = send(server, request_bytes(server, recorded, abbie))

    assert status == recorded.status, body
    if status == 204:
        assert body == b""
        return
    answer = orjson.loads(body)
    assert content_type == "application/json"
    if status >= 400:
        assert answer["errorCode"], "errors are flat, or the client drops them"
        assert answer["message"]


def test_one_connection_carries_many_recorded_requests(server: Server, abbie: str) -> None:
    with connect(server) as connection:
        statuses = []
        for recorded in (READS[4], WRITES[3], READS[5]):
            connection.sendall(request_bytes(server, recorded, abbie))
            statuses.append(receive(connection)[0])

    assert statuses == [200, 400, 200]


def request_bytes(server: Server, recorded: Recorded, abbie: str) -> bytes:
    line = recorded.line.format(instance=INSTANCE, abbie=abbie, soon=soon())
    head = [
        f"{line} HTTP/1.1",
        f"Host: {urlsplit(server.url).netloc}",
        f"User-Agent: python/3.11.7 (Linux) msrest/0.7.1 {recorded.agent}",
        "Accept-Encoding: gzip, deflate",
        "Accept: application/json",
        "Connection: keep-alive",
    ]
    if recorded.body:
        head.append("Content-Type: application/json-patch+json; charset=utf-8")
    if recorded.is_authenticated:
        head += ["Authorization: Bearer topcoat-contributor", f"Ocp-Apim-Subscription-Key: {PRIMARY_KEY}"]
    body = (recorded.body or b"").replace(b"{abbie}", abbie.encode())
    if recorded.body is not None:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "", ""]).encode() + body


def soon() -> str:
    return (datetime.now(UTC) + timedelta(days=10)).date().isoformat()


def send(server: Server, request: bytes) -> tuple[int, str | None, bytes]:
    with connect(server) as connection:
        connection.sendall(request)
        return receive(connection)
