"""The writes that are taken: real-time writes as over the REST API, with the same checks and lifetimes."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from starlette.datastructures import Headers
from starlette.responses import Response

from topcoat.core import errors, row_guids
from topcoat.core.catalog import CUSTOMER, CUSTOMER_ID, UNIFIED_ACTIVITY, Document, described, shown
from topcoat.flows.ingest import Write
from topcoat.surfaces.dataverse import incoming, links, resource, rows, tables
from topcoat.surfaces.dataverse.call import Call, json_answer, look_again, tell_applied
from topcoat.surfaces.dataverse.names import LOOKUP, NAMESPACE, DataverseTable
from topcoat.surfaces.dataverse.reads import Reader
from topcoat.surfaces.dataverse.resource import Segment

TARGETS_MAX: Final = 1000
_TARGETS: Final = "Targets"

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class _Change:
    customer_id: str
    values: Document
    valid_until: str | None


@dataclass(frozen=True, slots=True)
class _Activity:
    record: Document
    valid_until: str | None


async def change_profile(call: Call, table: DataverseTable, key: Segment) -> Response:
    """`PATCH` of a row, which has to exist."""
    await _check_options(call, table)
    body = call.read_object()
    record = await _find_profile(call, table, key)
    _check_conditions(call.headers, record)
    await _override(call, table, _read_change(call, table, body, record))
    return await _written(call, table, rows.row_id(record, table), is_new=False)


async def change_profiles(call: Call, table: DataverseTable, _: Segment) -> Response:
    """`UpdateMultiple`: nothing is written unless all targets pass; then each stands or falls by itself."""
    await _check_options(call, table)

    async def check(target: Document) -> _Change:
        row_id = incoming.read_change(table, target, call.now).row_id
        if row_id is None:
            raise errors.OptionInvalid(option=f"Column {table.primary_id}", reason="is missing; it names the row")
        record = await Reader(call).find_record(table, Segment(table.entity_set, row_id))
        return _read_change(call, table, target, record)

    changes = await _check_each(_read_targets(call), check)
    _check_distinct([change.customer_id for change in changes])
    await _write_each(changes, lambda change: _override(call, table, change))
    return Response(status_code=204)


async def create_activity(call: Call, table: DataverseTable, _: Segment) -> Response:
    """`POST` to the set."""
    await _check_options(call, table)
    activity = await _read_activity(call, table, call.read_object())
    return await _written(call, table, await _ingest(call, table, activity), is_new=True)


async def create_activities(call: Call, table: DataverseTable, _: Segment) -> Response:
    """`CreateMultiple`: nothing is written unless all targets pass; then each stands or falls by itself."""
    await _check_options(call, table)
    activities = await _check_each(_read_targets(call), lambda target: _read_activity(call, table, target))
    _check_distinct([activity.record.get(table.key_column) for activity in activities])
    ids = await _write_each(activities, lambda activity: _ingest(call, table, activity))
    context = f"{call.address}/$metadata#{NAMESPACE}.CreateMultipleResponse"
    return json_answer({"@odata.context": context, "Ids": ids})


async def _check_options(call: Call, table: DataverseTable) -> None:
    """Before anything is written: those that shape the row which the answer may bring."""
    if any(name == "asOf" for name, _ in call.items):
        raise errors.OptionInvalid(option="asOf", reason="does not apply to a write")
    await tables.check_options_of_one(call, table)


async def _find_profile(call: Call, table: DataverseTable, key: Segment) -> Document:
    try:
        return await Reader(call).find_record(table, key)
    except errors.RecordNotFound as error:
        if "if-match" in call.headers:
            raise
        raise errors.ProfileNotMade(**error.parts) from None


def _check_conditions(headers: Headers, record: Document) -> None:
    """A tag that is none, such as the `null` that the vendor recommends, matches nothing."""
    tag = rows.etag(rows.version_of(record))
    wanted, unwanted = _read_tags(headers, "if-match"), _read_tags(headers, "if-none-match")
    if wanted and not {"*", tag} & wanted:
        raise errors.VersionMismatch
    if {"*", tag} & unwanted:
        raise errors.RecordExists


def _read_tags(headers: Headers, name: str) -> set[str]:
    return {tag.strip() for header in headers.getlist(name) for tag in header.split(",")}


def _read_change(call: Call, table: DataverseTable, body: Document, record: Document) -> _Change:
    sent = incoming.read_change(table, body, call.now)
    row_id = rows.row_id(record, table)
    if sent.row_id is not None and str(sent.row_id) != row_id:
        reason = f"is {sent.row_id}; expected that of the row, {row_id}, or none"
        raise errors.OptionInvalid(option=f"Column {table.primary_id}", reason=reason)
    incoming.check_partitions(sent, record[CUSTOMER_ID])
    return _Change(record[CUSTOMER_ID], sent.values, sent.valid_until)


async def _override(call: Call, table: DataverseTable, change: _Change) -> None:
    with incoming.named_as(table):
        await call.flows.ingest.override_profile(
            call.instance, CUSTOMER, change.customer_id, change.values, _write(call, change.valid_until)
        )


async def _read_activity(call: Call, table: DataverseTable, body: Document) -> _Activity:
    sent = incoming.read_activity(table, body, call.now)
    bound_id = None if sent.bound is None else await _find_bound(call, sent.bound)
    record = incoming.with_customer(table, sent, bound_id)
    if sent.row_id is not None:
        await _check_free(call, table, sent.row_id)
    return _Activity(record, sent.valid_until)


async def _find_bound(call: Call, text: str) -> str:
    """The CustomerId of the profile at an address, which may begin with a slash and mean this API."""
    profiles = call.tables.profiles
    is_whole = text.startswith(f"{links.root_of(call.address)}/")
    path, query = links.resolve(text if is_whole else text.removeprefix("/"), call.address, call.references)
    segments = resource.parse_segments(path)
    if query or [(s.name, s.has_key) for s in segments] != [(profiles.entity_set, True)]:
        reason = f"is '{shown(text)}'; expected the address of a profile such as /{profiles.entity_set}(<guid>)"
        raise errors.OptionInvalid(option=LOOKUP + incoming.BIND, reason=reason)
    customer_id: str = (await Reader(call).find_record(profiles, segments[0]))[CUSTOMER_ID]
    return customer_id


async def _check_free(call: Call, table: DataverseTable, row_id: uuid.UUID) -> None:
    """An activity may have the GUID without having it for its id."""
    try:
        await Reader(call).find_record(table, Segment(table.entity_set, row_id))
    except errors.RecordNotFound:
        return
    raise errors.RecordExists


async def _ingest(call: Call, table: DataverseTable, activity: _Activity) -> str:
    """The GUID of the new row."""
    with incoming.named_as(table):
        ingested = await call.flows.ingest.ingest_activity(
            call.instance, UNIFIED_ACTIVITY, activity.record, _write(call, activity.valid_until)
        )
    return str(row_guids.guid_of(ingested.activity_id))


def _write(call: Call, valid_until: str | None) -> Write:
    return Write(valid_until, caller=None, principal=call.principal.name)


async def _written(call: Call, table: DataverseTable, row_id: str, *, is_new: bool) -> Response:
    entity = f"{call.address}/{table.entity_set}({row_id})"
    response = await _represented(call, table, row_id, status=201 if is_new else 200)
    response.headers["OData-EntityId"] = entity
    if is_new:
        response.headers["Location"] = entity
    return response


async def _represented(call: Call, table: DataverseTable, row_id: str, *, status: int) -> Response:
    """The row where the caller prefers that; an activity that no read shows (S16) is written all the same."""
    if not call.preferences.returns_representation:
        return Response(status_code=204)
    reading = replace(await look_again(call), method="GET", headers=Headers(), body=b"")
    try:
        response = await tables.read(reading, table, [Segment(table.entity_set, uuid.UUID(row_id))])
    except errors.RecordNotFound:
        return Response(status_code=204)
    response.status_code = status
    tell_applied(response, "return=representation")
    return response


def _read_targets(call: Call) -> list[Document]:
    targets = call.read_object().get(_TARGETS)
    if not isinstance(targets, list) or not 1 <= len(targets) <= TARGETS_MAX:
        found = f"an array of {len(targets)}" if isinstance(targets, list) else described(targets)
        expected = f"an array of 1 to {TARGETS_MAX} rows"
        raise errors.ParameterInvalid(parameter=_TARGETS, found=found, expected=expected)
    for place, target in enumerate(targets):
        if not isinstance(target, dict):
            found = described(target)
            raise errors.ParameterInvalid(parameter=f"{_TARGETS}[{place}]", found=found, expected="a row")
    return targets


def _check_distinct(keys: Iterable[Hashable]) -> None:
    given = [key for key in keys if key is not None]
    if len(set(given)) < len(given):
        raise errors.OptionInvalid(option=_TARGETS, reason="names a row twice; expected each row once")


async def _check_each(targets: Sequence[Document], check: Callable[[Document], Awaitable[_Item]]) -> list[_Item]:
    checked = []
    for place, target in enumerate(targets):
        try:
            checked.append(await check(target))
        except errors.TopcoatError as error:
            raise errors.TargetRefused(place=place, cause=error, count=len(targets), written=0) from None
    return checked


async def _write_each(items: Sequence[_Item], write: Callable[[_Item], Awaitable[_Result]]) -> list[_Result]:
    """All at once, to be committed together; raise the first refusal when all have their answers."""
    outcomes = await asyncio.gather(*map(write, items), return_exceptions=True)
    refused = [(place, outcome) for place, outcome in enumerate(outcomes) if isinstance(outcome, BaseException)]
    for _, error in refused:
        if not isinstance(error, errors.TopcoatError):
            raise error
    for place, error in refused:
        written = len(items) - len(refused)
        raise errors.TargetRefused(place=place, cause=error, count=len(items), written=written)
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
