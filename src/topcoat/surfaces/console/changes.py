"""What is live in an instance, in the order in which it lapses, of all customers or of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson
from starlette.responses import Response

from topcoat.core import catalog, errors
from topcoat.core.catalog import CUSTOMER, Document, Table
from topcoat.flows.live_writes import LiveWrite
from topcoat.surfaces.pages import column_roles
from topcoat.surfaces.pages.views import View

TEMPLATE: Final = "changes.html"
PAGE_SIZE: Final = 25


@dataclass(frozen=True, slots=True)
class ShownWrite:
    """`values` are those of a change, as JSON; an activity has none."""

    customer_id: str
    title: str | None
    card: str
    values: Mapping[str, str]
    activity_id: str | None
    activity_type: str | None
    recorded_at: datetime
    valid_until: datetime
    who: str


@dataclass(frozen=True, slots=True)
class ShownPage:
    now: datetime
    writes: list[ShownWrite]
    next_token: str | None


async def show_changes(view: View) -> Response:
    given = dict(view.items)
    customer = given.get("customer", "").strip()
    page = await list_changes(view, customer=customer or None, skiptoken=given.get("skiptoken") or None, top=PAGE_SIZE)
    following = {"customer": customer} if customer else {}
    values = {
        "instance": await view.flows.instances.get_instance(view.instance),
        "customer": customer,
        "page": page,
        "is_first": "skiptoken" not in given,
        "first": f"?{urlencode(following)}",
        "next": None if page.next_token is None else f"?{urlencode(following | {'skiptoken': page.next_token})}",
        "tab": "changes",
    }
    return view.answer(TEMPLATE, values)


async def list_changes(view: View, *, customer: str | None, skiptoken: str | None, top: int) -> ShownPage:
    if customer is not None and not catalog.check_id(customer):
        expected = f"an id of at most {catalog.ID_LENGTH_MAX} characters"
        raise errors.ParameterInvalid(parameter="customer", found=f"'{catalog.shown(customer)}'", expected=expected)
    page = await view.flows.live_writes.list_page(view.instance, customer_id=customer, skiptoken=skiptoken, top=top)
    table = (await view.flows.query.look(view.instance)).catalog.tables_by_name.get(CUSTOMER)
    shown = [_shown(view.instance, table, write) for write in page.writes]
    return ShownPage(page.now, shown, page.next_token)


def _shown(instance: str, table: Table | None, write: LiveWrite) -> ShownWrite:
    return ShownWrite(
        customer_id=write.customer_id,
        title=_title(table, write.record),
        card=f"/card/{instance}/{quote(write.customer_id, safe='')}",
        values={name: column_roles.shortened(_json(value)) for name, value in write.columns.items()},
        activity_id=write.activity_id,
        activity_type=write.activity_type,
        recorded_at=write.recorded_at,
        valid_until=write.valid_until,
        who=write.caller or write.principal or "",
    )


def _title(table: Table | None, record: Document | None) -> str | None:
    if table is None or record is None:
        return None
    return column_roles.shortened(column_roles.title_of(table, record))


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
