"""One request to a table or to what describes tables, alone or as a part of a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response

from topcoat.core.catalog import Document
from topcoat.flows import Flows
from topcoat.surfaces import bodies
from topcoat.surfaces.access import Principal
from topcoat.surfaces.dataverse.names import DataverseTables, list_tables
from topcoat.surfaces.dataverse.preferences import Preferences

JSON: Final = "application/json; odata.metadata=minimal"


@dataclass(frozen=True, slots=True)
class Call:
    """`address` is the caller's own of this API, without a slash at its end; `path` what follows it, decoded.

    `items` are the query's names and values, and `query` is how it was written; `now` is the service's instant.
    `references` are the addresses of records that a batch has written so far, by Content-ID.
    """

    flows: Flows
    principal: Principal
    instance: str
    tables: DataverseTables
    method: str
    address: str
    path: str
    query: str
    items: Sequence[tuple[str, str]]
    headers: Headers
    body: bytes
    preferences: Preferences
    now: datetime
    refreshed_at: datetime | None
    takes_writes: bool = False
    references: Mapping[str, str] = field(default_factory=dict)

    def read_object(self) -> Document:
        """The JSON object that was sent."""
        bodies.check_content_type(self.headers.get("content-type"))
        return bodies.parse_object(self.body)


async def look_again(call: Call) -> Call:
    """The same call at the present instant, of the tables that there are by now."""
    outlook = await call.flows.query.look(call.instance)
    return replace(call, tables=list_tables(outlook.catalog), now=outlook.now, refreshed_at=outlook.refreshed_at)


def json_answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, JSON)


def tell_applied(response: Response, *preferences: str) -> None:
    """Say which preferences were heeded, beside those that the answer tells already."""
    told = response.headers.get("Preference-Applied")
    heeded = [*([told] if told else []), *preferences]
    if heeded:
        response.headers["Preference-Applied"] = ",".join(heeded)
