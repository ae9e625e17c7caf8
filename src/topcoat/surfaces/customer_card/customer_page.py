"""The page of one customer, which has the card and nothing else."""

from collections.abc import Sequence
from typing import Final

from starlette.responses import RedirectResponse, Response

from topcoat.core import catalog, errors
from topcoat.core.catalog import CUSTOMER
from topcoat.core.odata.address import RecordAddress
from topcoat.core.odata.options import QueryOptions
from topcoat.surfaces.pages import column_roles
from topcoat.surfaces.pages.views import Answer, View

TEMPLATE: Final = "customer.html"


def showing_customers(modules: Sequence[str]) -> Answer:
    """`modules` are what the card consists of, for browsers to fetch all at once."""

    async def show(view: View) -> Response:
        customer = view.request.path_params["customerId"]
        if not customer:
            return RedirectResponse(view.path.rstrip("/"))
        title = await _get_title(view, customer)
        return view.answer(TEMPLATE, {"title": title, "customer": customer, "modules": modules})

    return show


async def _get_title(view: View, customer: str) -> str:
    """Raise `RecordNotFound`; everything else the card reads itself."""
    outlook = await view.flows.query.look(view.instance)
    if not catalog.check_id(customer):
        raise errors.RecordNotFound(table=CUSTOMER, record_id=catalog.shown(customer))
    record = await view.flows.query.read_record(view.instance, RecordAddress(CUSTOMER, customer), QueryOptions())
    return column_roles.shortened(column_roles.title_of(outlook.catalog.get_table(CUSTOMER), record))
