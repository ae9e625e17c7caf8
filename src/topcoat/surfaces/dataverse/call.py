"""One request to a table or to what describes tables, alone or as a part of a batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response

from topcoat.core.catalog import Document
from topcoat.flows import Flows
from topcoat.surfaces import bodies
from topcoat.surfaces.access import Principal
from topcoat.surfaces.dataverse.names import DataverseTables
from topcoat.surfaces.dataverse.preferences import Preferences

JSON: Final = "application/json; odata.metadata=minimal"


@dataclass(frozen=True, slots=True)
class Call:
    """`address` is the caller's own of this API, without a slash at its end; `path` what follows it, decoded.

    `items` are the query's names and values, and `query` is how it was written; `now` is the service's instant.
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

    def read_object(self) -> Document:
        """The JSON object that was sent."""
        bodies.check_content_type(self.headers.get("content-type"))
        return bodies.parse_object(self.body)


def json_answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, JSON)
