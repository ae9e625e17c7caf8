"""The two real-time calls by a form: sent as anybody else's, and shown as others would send them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.responses import Response

from topcoat.core import catalog, errors, roles, subscription_keys
from topcoat.core.catalog import CUSTOMER, CUSTOMER_ID, UNIFIED_ACTIVITY, Document, Table
from topcoat.core.odata.address import RecordAddress
from topcoat.core.odata.options import QueryOptions
from topcoat.flows import ingest
from topcoat.flows.ingest import Write
from topcoat.flows.query import Outlook
from topcoat.surfaces import bodies
from topcoat.surfaces.console import lines, samples
from topcoat.surfaces.console.lines import Credentials, RealTimeCall
from topcoat.surfaces.pages import forms, problems
from topcoat.surfaces.pages.views import View

TEMPLATE: Final = "writes.html"
PATCH: Final = "patch"
POST: Final = "post"
SEND: Final = "send"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is in a form, as it was typed; `record_id` is empty in one that posts."""

    kind: str
    table: str
    record_id: str
    body: str
    valid_until: str = ""
    caller: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the API answers to the call, as it was made."""

    status: int
    activity_id: str | None = None
    is_waiting: bool = False


async def show_writes(view: View) -> Response:
    given = dict(view.items)
    outlook = await view.flows.query.look(view.instance)
    if CUSTOMER not in outlook.catalog.tables_by_name:
        return await _page(view, outlook, [])
    customer = given.get("customer", "").strip() or await _some_customer(view)
    table = outlook.catalog.get_table(given.get("table", UNIFIED_ACTIVITY))
    return await _page(view, outlook, [_change(outlook, customer), await _activity(view, outlook, table, customer)])


async def send(view: View) -> Response:
    """What is wrong with the call is told beside the form, with the status that the API would answer."""
    given = await forms.read_form(view.request)
    asked = _asked(given)
    outlook = await view.flows.query.look(view.instance)
    call, outcome, error = None, None, None
    try:
        call = _call(asked)
        if given.get("intent") == SEND:
            outcome = await _sent(view, call)
    except errors.TopcoatError as wrong:
        error = wrong
    others = await _others(view, outlook, asked)
    pair = [asked, *others] if asked.kind == PATCH else [*others, asked]
    status = 200 if error is None else problems.status_of(error)
    return await _page(view, outlook, pair, told=asked.kind, call=call, outcome=outcome, error=error, status=status)


async def _page(
    view: View,
    outlook: Outlook,
    asked: Sequence[Asked],
    *,
    told: str | None = None,
    call: RealTimeCall | None = None,
    outcome: Outcome | None = None,
    error: errors.TopcoatError | None = None,
    status: int = 200,
) -> Response:
    """`told` is the form that something is said about."""
    values = {
        "instance": await view.flows.instances.get_instance(view.instance),
        "forms": [(form, _lines(view, call if form.kind == told else _find_call(form))) for form in asked],
        "told": told,
        "outcome": outcome,
        "error": error,
        "tables": [table.name for table in outlook.catalog.tables if samples.takes_posts(table)],
        "tab": "writes",
        "back": view.path,
    }
    return view.answer(TEMPLATE, values, status=status)


def _lines(view: View, call: RealTimeCall | None) -> Mapping[str, str]:
    """Keys that everybody knows are shown, and nobody else's."""
    if call is None:
        return {}
    is_well_known = view.token in roles.TOKENS
    credentials = Credentials(
        view.token if is_well_known else None, subscription_keys.WELL_KNOWN[0] if is_well_known else None
    )
    return {
        "curl": lines.curl_line(view.origin, view.instance, call, credentials),
        "Python": lines.python_lines(view.origin, view.instance, call, credentials),
    }


async def _sent(view: View, call: RealTimeCall) -> Outcome:
    assert view.principal is not None  # of a page that a role was needed for
    write = Write(call.valid_until or None, ingest.checked_caller(call.caller), view.principal.name)
    if call.record_id is not None:
        await view.flows.ingest.override_profile(view.instance, call.table, call.record_id, call.body, write)
        return Outcome(204)
    try:
        ingested = await view.flows.ingest.ingest_activity(view.instance, call.table, call.body, write)
    except errors.TableNotFound as error:
        raise errors.TableNotFoundForWriting(**error.parts) from None
    return Outcome(202 if ingested.is_waiting else 201, ingested.activity_id, ingested.is_waiting)


def _asked(given: Mapping[str, str]) -> Asked:
    kind = given.get("kind", "")
    if kind not in (PATCH, POST):
        raise errors.ParameterInvalid(parameter="kind", found=f"'{catalog.shown(kind)}'", expected=f"{PATCH} or {POST}")
    table = CUSTOMER if kind == PATCH else given.get("table", UNIFIED_ACTIVITY)
    texts = {name: given.get(name, "").strip() for name in ("valid_until", "caller")}
    return Asked(kind, table, given.get("record_id", "").strip(), given.get("body", ""), **texts)


def _call(asked: Asked) -> RealTimeCall:
    """Raise `BodyUnreadable`, or `ParameterInvalid` for a change of nobody."""
    if asked.kind == PATCH and not asked.record_id:
        raise errors.ParameterInvalid(parameter=CUSTOMER_ID, found="missing", expected="the id of a customer")
    record_id = asked.record_id if asked.kind == PATCH else None
    body = bodies.parse_object(asked.body.encode("utf-8", "replace"))
    return RealTimeCall(asked.table, record_id, body, asked.valid_until, asked.caller)


def _find_call(asked: Asked) -> RealTimeCall | None:
    try:
        return _call(asked)
    except errors.BadInput:
        return None


async def _others(view: View, outlook: Outlook, asked: Asked) -> list[Asked]:
    """The form that was not sent, as it is at the beginning, about the same customer."""
    tables = outlook.catalog.tables_by_name
    if CUSTOMER not in tables:
        return []
    if asked.kind == POST:
        return [_change(outlook, await _some_customer(view))]
    return [await _activity(view, outlook, tables[UNIFIED_ACTIVITY], asked.record_id)]


def _change(outlook: Outlook, customer: str) -> Asked:
    return Asked(PATCH, CUSTOMER, customer, _json(samples.sample_change(outlook.catalog.get_table(CUSTOMER))))


async def _activity(view: View, outlook: Outlook, table: Table, customer: str) -> Asked:
    key = await _find_key(view, table, customer)
    record = samples.sample_record(table, customer_id=customer, key=key, now=outlook.now.replace(microsecond=0))
    return Asked(POST, table.name, "", _json(record))


async def _find_key(view: View, table: Table, customer: str) -> str | None:
    """The customer's, in the table that records of this one name their customers by."""
    if table.activity is None:
        return None
    try:
        ring = await view.flows.inventory.list_keys(view.instance, customer)
    except errors.RecordNotFound:
        return None
    return next((keys.preferred for keys in ring.tables if keys.table.name == table.activity.customer_table), None)


async def _some_customer(view: View) -> str:
    """The first there is; empty where there is none."""
    options = QueryOptions(select=(CUSTOMER_ID,), top=1)
    page = await view.flows.query.read_records(view.instance, RecordAddress(CUSTOMER), options)
    return str(page.records[0][CUSTOMER_ID]) if page.records else ""


def _json(document: Document) -> str:
    values: Any = document
    return orjson.dumps(values, option=orjson.OPT_INDENT_2).decode()
