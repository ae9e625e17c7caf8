"""The tables of an instance with their columns."""

from typing import Final

from starlette.responses import Response

from topcoat.core.catalog import CUSTOMER, Contents
from topcoat.surfaces.pages.views import View

TEMPLATE: Final = "tables.html"


async def show_tables(view: View) -> Response:
    catalog = await view.flows.instances.get_catalog(view.instance)
    configuration = await view.flows.search_index.get_configuration(view.instance)
    values = {
        "instance": await view.flows.instances.get_instance(view.instance),
        "tables": [table for table in catalog.tables if table.contents is not Contents.CORRUPT],
        "customer": CUSTOMER,
        "configuration": configuration,
        "tab": "tables",
    }
    return view.answer(TEMPLATE, values)
