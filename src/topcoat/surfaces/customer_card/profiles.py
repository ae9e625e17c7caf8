"""What a card shows of a profile: its columns with where each value comes from, its keys, measures and segments."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.responses import Response

from topcoat.core import customer_rows
from topcoat.core.catalog import CUSTOMER, CUSTOMER_ID, CUSTOMER_MEASURE, Document, Table, format_instant
from topcoat.core.odata.address import RecordAddress
from topcoat.core.odata.options import QueryOptions
from topcoat.core.search_configuration import SearchConfiguration
from topcoat.flows.query import Outlook
from topcoat.flows.query.reading import EXPLANATION
from topcoat.surfaces import answers
from topcoat.surfaces.customer_card.call import Call
from topcoat.surfaces.pages import column_roles

# A card whose profile is unchanged still has to know how long its changes hold.
NOW: Final = "Topcoat-Now"
CLOCK: Final = "Topcoat-Clock"


async def read_profile(call: Call) -> Response:
    outlook = await call.flows.query.look(call.instance)
    options = QueryOptions(explain=True, as_of=call.as_of)
    record = await call.flows.query.read_record(call.instance, RecordAddress(CUSTOMER, call.customer_id), options)
    table = outlook.catalog.get_table(CUSTOMER)
    configuration = await call.flows.search_index.get_configuration(call.instance)
    shown = {
        "customerId": record[CUSTOMER_ID],
        "title": column_roles.title_of(table, record),
        "asOf": call.as_of,
        "refreshedAt": None if outlook.refreshed_at is None else format_instant(outlook.refreshed_at),
        "columns": _columns(table, record, configuration),
        "keys": await _keys(call, record[CUSTOMER_ID]),
        "measures": await _measures(call, outlook, record[CUSTOMER_ID]),
        "segments": await _segments(call, record[CUSTOMER_ID]),
    }
    shown["nextLapse"] = min((lapse for lapse in map(_lapse, shown["columns"]) if lapse), default=None)
    clock = await call.flows.service_clock.read()
    whole = {"now": format_instant(outlook.now), "isFrozen": clock.is_frozen, **shown}
    response = answers.conditional_answer(call.request.headers, orjson.dumps(whole), shown=orjson.dumps(shown))
    response.headers[NOW] = whole["now"]
    response.headers[CLOCK] = "frozen" if clock.is_frozen else "running"
    return response


def _columns(table: Table, record: Document, configuration: SearchConfiguration) -> list[dict[str, Any]]:
    explained: Mapping[str, Mapping[str, Any]] = record[EXPLANATION]
    return [
        {
            "name": column.name,
            "type": column.type.value,
            "value": record[column.name],
            "isIndexed": configuration.find_column(column.name) is not None,
            "isKey": column.is_key,
            "role": column_roles.role_of(column),
            "source": _source(explained[column.name]),
        }
        for column in table.columns
    ]


def _source(explained: Mapping[str, Any]) -> dict[str, Any]:
    """What the refresh says is at the bottom of what a change hides."""
    if explained["source"] == "snapshot":
        return {"source": "snapshot"}
    kept = ("source", "caller", "principal", "recordedAt", "validUntil")
    return {name: explained[name] for name in kept} | {"refreshValue": explained["hides"][-1]["value"]}


def _lapse(column: Mapping[str, Any]) -> str | None:
    lapse: str | None = column["source"].get("validUntil")
    return lapse


async def _keys(call: Call, customer_id: str) -> list[dict[str, Any]]:
    ring = await call.flows.inventory.list_keys(call.instance, customer_id)
    return [
        {"table": keys.table.name, "dataSource": keys.table.data_source, "keys": list(keys.keys)}
        for keys in ring.tables
    ]


async def _measures(call: Call, outlook: Outlook, customer_id: str) -> list[dict[str, Any]]:
    table = outlook.catalog.tables_by_name.get(CUSTOMER_MEASURE)
    if table is None:
        return []
    address = RecordAddress(CUSTOMER, key=customer_id, navigation=CUSTOMER_MEASURE)
    page = await call.flows.query.read_records(call.instance, address, QueryOptions(top=1, as_of=call.as_of))
    return [
        {"name": column.name, "type": column.type.value, "value": record[column.name]}
        for record in page.records
        for column in table.columns
        if column.name != CUSTOMER_ID
    ]


async def _segments(call: Call, customer_id: str) -> list[str]:
    table, options = customer_rows.SEGMENT_MEMBERSHIPS, QueryOptions(as_of=call.as_of)
    found = await call.flows.customer_rows.list_rows_of(call.instance, table, [customer_id], options)
    return [name for row in found.get(customer_id, ()) for name in orjson.loads(row["Segments"])]
