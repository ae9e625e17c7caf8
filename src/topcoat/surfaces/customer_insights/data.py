"""TableData: activities and changes in, merged records out; the part that has to be quick."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes

import orjson
from starlette.responses import Response

from topcoat.core import catalog, errors
from topcoat.core.odata import address, envelope, options
from topcoat.flows.ingest import CALLER_LENGTH_MAX, IngestedActivity, Write
from topcoat.surfaces import answers, bodies, idempotency, usage
from topcoat.surfaces.customer_insights import parameters, payloads
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with, parameter, request_body
from topcoat.surfaces.origin import origin_of

# `/{prefix}/instances/{instanceId}/data/…`: what comes before the rest of the address.
_SEGMENTS_BEFORE: Final = 5
_PAGING_OPTIONS: Final = frozenset({"skip", "skiptoken"})

Items = list[tuple[str, str]]


async def create_activity(call: Call) -> Response:
    """One record, in UnifiedActivity or in source format (S11)."""
    (table,) = _segments(call, 1)
    write = await _write(call)
    record = await bodies.read_object(call.request)
    try:
        ingested = await call.flows.ingest.ingest_activity(call.instance, table, record, write)
    except errors.TableNotFound as error:
        raise errors.TableNotFoundForWriting(**error.parts) from None
    return _ingested_answer(call, ingested)


async def update_profile(call: Call) -> Response:
    """Some columns of one profile (S5)."""
    table, record_id = _addressed_record(call)
    write = await _write(call)
    values = await bodies.read_object(call.request)
    is_replayed = await call.flows.ingest.override_profile(call.instance, table, record_id, values, write)
    return Response(status_code=204, headers=idempotency.REPLAYED if is_replayed else None)


async def read_data(call: Call) -> Response:
    """A page of records, one by its key, or their number."""
    text, items = _question(call)
    query = options.parse_options(items)
    asked = address.parse_address(text)
    flow, headers = call.flows.query, call.request.headers
    if asked.is_count:
        number = await flow.count_records(call.instance, asked, query)
        return answers.conditional_answer(headers, str(number).encode(), media_type=answers.TEXT)
    context = f"{_data_address(call)}/$metadata#{asked.navigation or asked.table}"
    if asked.key is not None and asked.navigation is None:
        record = await flow.read_record(call.instance, asked, query)
        return answers.conditional_answer(headers, orjson.dumps(envelope.record_envelope(f"{context}/$entity", record)))
    page = await flow.read_records(call.instance, asked, query)
    body = shown = orjson.dumps(envelope.list_envelope(context, page.records, page.count))
    if page.next_token is not None:
        next_link = _next_link(call, text, items, page.next_token)
        body = orjson.dumps(envelope.list_envelope(context, page.records, page.count, next_link))
    # A continuation token is another one each time.
    return answers.conditional_answer(headers, body, shown=shown)


async def _write(call: Call) -> Write:
    items = parameters.list_items(call.request.scope)
    caller = parameters.read_caller(items)
    if caller is not None:
        usage.notes_of(call.request.scope).caller = caller
    return Write(
        valid_until=parameters.find_text(items, "validUntil"),
        caller=caller,
        principal=call.principal.name,
        key=await idempotency.read_key(call.request, call.principal.name),
    )


def _ingested_answer(call: Call, ingested: IngestedActivity) -> Response:
    key = ingested.activity_id.replace("'", "''")
    location = f"{_data_address(call)}/UnifiedActivity('{quote(key, safe='')}')"
    status = 202 if ingested.is_waiting else 201
    result = payloads.created_result(location, ingested.record, status)
    replayed = idempotency.REPLAYED if ingested.is_replayed else {}
    return answers.json_answer(result, status, {"Location": location, **replayed})


def _raw_rest(scope: Mapping[str, Any]) -> bytes:
    """What follows `/data/`, undecoded: `path` no longer tells a slash from `%2F`, nor a query from `%3F`."""
    before = _SEGMENTS_BEFORE + scope.get("root_path", "").count("/")
    segments = scope["raw_path"].split(b"/", before)
    if len(segments) <= before or unquote_to_bytes(segments[before - 1]) != b"data":
        raise _not_found(scope)
    rest: bytes = segments[before]
    return rest


def _decoded(scope: Mapping[str, Any], raw: bytes) -> str:
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise _not_found(scope) from None


def _segments(call: Call, count: int) -> list[str]:
    scope = call.request.scope
    segments = [_decoded(scope, raw) for raw in _raw_rest(scope).split(b"/")]
    if len(segments) != count or not all(segments):
        raise _not_found(scope)
    return segments


def _addressed_record(call: Call) -> tuple[str, str]:
    """`Customer/{id}`, `Customer('id')` or `Customer(CustomerId='id')`."""
    scope = call.request.scope
    raw = _raw_rest(scope)
    if b"/" in raw:
        table, record_id = _segments(call, 2)
        return table, record_id
    asked = address.parse_address(_decoded(scope, raw))
    if asked.key is None or asked.navigation is not None or asked.key_column not in (None, catalog.CUSTOMER_ID):
        raise _not_found(scope)
    return asked.table, asked.key


def _question(call: Call) -> tuple[str, Items]:
    """Address and options; the vendor's client sends them, percent-encoded, as one segment of the path."""
    scope = call.request.scope
    text, items = address.split_query(_decoded(scope, _raw_rest(scope)))
    return text, [*items, *parameters.list_items(scope)]


def _data_address(call: Call) -> str:
    """The caller's own address of this instance's data."""
    scope = call.request.scope
    prefix = scope["path"].partition("/instances/")[0]
    return f"{origin_of(call.request)}{prefix}/instances/{call.instance}/data"


def _next_link(call: Call, text: str, items: Items, token: str) -> str:
    kept = [item for item in items if item[0].lstrip("$").casefold() not in _PAGING_OPTIONS]
    query = "&".join(_encoded(name, value) for name, value in [*kept, ("$skiptoken", token)])
    path = quote(text, safe="/()'$,=")
    return f"{_data_address(call)}/{path}?{query}"


def _encoded(name: str, value: str) -> str:
    """An option without a value is one that stands alone: `IsMemberOfSegment('S')`."""
    encoded = [quote(name, safe="$@()'"), quote(value, safe=",()'")]
    return "=".join(encoded if value else encoded[:1])


def _not_found(scope: Mapping[str, Any]) -> errors.AddressNotFound:
    return errors.AddressNotFound(method=scope["method"], path=catalog.shown(scope["path"]))


_ROUTE: Final = ("/{instanceId}/data/{rest:path}",)
_REFUSED: Final = answers_with(
    400, payloads.ODataError, "The request is not valid; nothing was stored."
) | answers_with(422, payloads.ODataError, "The idempotency key stands for another request.")
_WRITE_PARAMETERS: Final = [
    parameter("validUntil", "When the write stops counting: at most 30 days ahead.", format="date-time"),
    parameter("caller", "On whose behalf.", maxLength=CALLER_LENGTH_MAX),
    idempotency.PARAMETER,
]
_WRITE: Final = {"parameters": _WRITE_PARAMETERS} | request_body({"type": "object", "additionalProperties": True})
_READ_OPTIONS: Final = (
    "$filter",
    "$select",
    "$orderby",
    "$top",
    "$skip",
    "$skiptoken",
    "$count",
    "$expand",
    "$search",
)
_READ_PARAMETERS: Final = [
    *(parameter(name, "OData option.") for name in _READ_OPTIONS),
    parameter("asOf", "Answer as of this instant, past or future (extension).", format="date-time"),
    parameter("explain", "Tell where each value comes from (extension).", type="boolean"),
]
_READ: Final = {
    200: {
        "description": "A page of records, one record by its key, or the number of records as text.",
        "model": payloads.ODataEntityPayload | payloads.ODataRecord,
        "content": {answers.TEXT: {"schema": {"type": "integer", "minimum": 0}}},
        "headers": {"ETag": {"description": "Names what is shown.", "required": True, "schema": {"type": "string"}}},
    }
}

OPERATIONS: Final = (
    Operation(
        id="Get-entities-with-OData-path",
        method="GET",
        paths=_ROUTE,
        answer=read_data,
        is_data=True,
        shown_path="/{instanceId}/data/{relativePath}",
        summary="Read merged records",
        responses=_READ
        | answers_with(304, None, "The caller has it already, by the ETag in `If-None-Match`.")
        | answers_with(400, payloads.ODataError, "The query is not valid.")
        | answers_with(404, payloads.ODataError, "There is no such table or record.")
        | answers_with(501, payloads.ODataError, "This part of OData is not supported."),
        documentation={"parameters": _READ_PARAMETERS},
    ),
    Operation(
        id="Create-an-entity",
        method="POST",
        paths=_ROUTE,
        answer=create_activity,
        is_data=True,
        shown_path="/{instanceId}/data/{entityName}",
        summary="Publish an activity",
        responses=answers_with(201, payloads.CreatedResult, "The activity is in its customer's timeline.")
        | answers_with(202, payloads.CreatedResult, "It waits for a refresh to unify its customer.")
        | _REFUSED
        | answers_with(409, payloads.ODataError, "There is an activity with this id already."),
        documentation=_WRITE,
    ),
    Operation(
        id="Update-an-entity",
        method="PATCH",
        paths=_ROUTE,
        answer=update_profile,
        is_data=True,
        shown_path="/{instanceId}/data/{entityName}/{entityId}",
        summary="Change columns of a profile for a while",
        responses=answers_with(204, None, "Every later read shows the change.")
        | _REFUSED
        | answers_with(404, payloads.ODataError, "There is no such table or profile."),
        documentation=_WRITE,
    ),
)
