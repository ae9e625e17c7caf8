"""Several requests in one: `POST $batch`, answered part by part in the order in which they came."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import replace
from http import HTTPStatus
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.responses import Response

from topcoat.core import errors
from topcoat.core.odata import address as addresses
from topcoat.surfaces.dataverse import batch_requests, dispatch, links, multipart, problems
from topcoat.surfaces.dataverse.batch_requests import BATCH, Item, Operation
from topcoat.surfaces.dataverse.call import Call, look_again, tell_applied
from topcoat.surfaces.dataverse.preferences import read_preferences
from topcoat.surfaces.dataverse.writes import IMPERSONATION

ANSWERS_BYTES_MAX: Final = 64 * 1024 * 1024

_LONE_PERCENT: Final = re.compile("%(?![0-9A-Fa-f]{2})")
_SPELLED: Final = {"odata-entityid": "OData-EntityId", "odata-version": "OData-Version", "etag": "ETag"}
_log = structlog.get_logger("topcoat.dataverse")


def is_batch(call: Call) -> bool:
    return call.path.rstrip("/") == BATCH


async def answer(call: Call) -> Response:
    """Nothing is done unless all of it can be read; the answer is 400 where a part failed and ended it."""
    dispatch.check_method(call, "POST")
    items = batch_requests.read_batch(call.headers.get("content-type", ""), call.body)
    run = _Run(call)
    parts = await run.answer_all(items)
    boundary = f"batchresponse_{uuid.uuid4()}"
    response = Response(multipart.join(parts, boundary), 400 if run.is_over else 200)
    # A charset keeps clients from guessing one.
    response.headers["Content-Type"] = f"{multipart.MIXED}; boundary={boundary}; charset=utf-8"
    if call.preferences.continues_on_error:
        tell_applied(response, "odata.continue-on-error")
    return response


class _Run:
    """Answers operations one after the other; it is over once one failed, unless the caller wants it to go on."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._references: dict[str, str] = {}
        self._size_bytes = 0
        self.is_over = False

    async def answer_all(self, items: Iterable[Item]) -> list[bytes]:
        parts = []
        for item in items:
            if self.is_over:
                break
            parts.append(await self._answer(item))
        return parts

    async def _answer(self, item: Item) -> bytes:
        """What was done of a changeset is told even where it failed, for it stays done."""
        if isinstance(item, Operation):
            return await self._answer_operation(item)
        boundary = f"changesetresponse_{uuid.uuid4()}"
        head = multipart.write_headers([("Content-Type", f"{multipart.MIXED}; boundary={boundary}")])
        return head + multipart.join(await self.answer_all(item.operations), boundary)

    async def _answer_operation(self, operation: Operation) -> bytes:
        response = await self._respond(operation)
        entity = response.headers.get("OData-EntityId")
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            self.is_over = not self._call.preferences.continues_on_error
        elif entity is not None and operation.content_id is not None:
            self._references[operation.content_id] = entity
        part = _written(response, operation.content_id)
        self._size_bytes += len(part)
        return part

    async def _respond(self, operation: Operation) -> Response:
        try:
            response = await dispatch.answer(await self._call_of(operation))
        except errors.TopcoatError as error:
            response = problems.problem(error)
        except Exception:  # the edge of a loop: the other parts are answered
            _log.exception("part_failed")
            response = problems.unexpected_problem()
        response.headers["OData-Version"] = "4.0"
        return response

    async def _call_of(self, operation: Operation) -> Call:
        """The instance is looked at anew, for what came before may have changed it."""
        if self._size_bytes > ANSWERS_BYTES_MAX:
            limit = f"are larger than the limit of {ANSWERS_BYTES_MAX} bytes"
            raise errors.BatchInvalid(place="The answers of the batch so far", reason=limit)
        whole = self._call
        path, written = links.resolve(operation.address, whole.address, self._references)
        query = addresses.ascii_query(_LONE_PERCENT.sub("%25", written).encode())
        return replace(
            await look_again(whole),
            method=operation.method,
            path=path,
            query=query,
            items=addresses.parse_query_string(query),
            headers=_headers(operation, whole),
            body=operation.body,
            preferences=read_preferences(operation.headers.getlist("prefer")),
            references=self._references,
        )


def _headers(operation: Operation, whole: Call) -> Headers:
    """Its own; on whose behalf the caller acts is said of the batch."""
    inherited = [(name, value) for name, value in whole.headers.raw if name.decode() in IMPERSONATION]
    return Headers(raw=[*operation.headers.raw, *inherited])


def _written(response: Response, content_id: str | None) -> bytes:
    """Spelled as one of the clients looks for it, by patterns: names of headers, and a phrase without a hyphen."""
    around = [("Content-Type", "application/http"), ("Content-Transfer-Encoding", "binary")]
    if content_id is not None:
        around.append(("Content-ID", content_id))
    phrase = HTTPStatus(response.status_code).phrase.replace("-", " ")
    status = f"HTTP/1.1 {response.status_code} {phrase}\r\n".encode()
    told = [(_spelled(name), value) for name, value in response.headers.items() if name != "content-length"]
    return multipart.write_headers(around) + status + multipart.write_headers(told) + bytes(response.body)


def _spelled(name: str) -> str:
    return _SPELLED.get(name) or name.title()
