"""One instance at a glance: its last jobs and what they found, what lapses next, and which calls failed."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.responses import Response

from topcoat.core.catalog import CUSTOMER
from topcoat.core.odata.address import RecordAddress
from topcoat.core.odata.options import QueryOptions
from topcoat.core.roles import Role
from topcoat.flows.jobs import JobReport
from topcoat.surfaces.console import calls, changes
from topcoat.surfaces.pages.views import View

TEMPLATE: Final = "overview.html"
JOBS_SHOWN: Final = 5
SHOWN: Final = 5


async def show_instance(view: View) -> Response:
    instance = await view.flows.instances.get_instance(view.instance)
    jobs = await view.flows.jobs.list_jobs(view.instance, limit=JOBS_SHOWN)
    page = await changes.list_changes(view, customer=None, skiptoken=None, top=SHOWN)
    failed = None
    if view.may(Role.ADMINISTRATOR):
        failed = [call for call in await calls.list_calls(view, hours=calls.HOURS_DEFAULT) if call.is_failed]
    values = {
        "instance": instance,
        "customers": None if instance.generation is None else await _count_customers(view),
        "jobs": jobs,
        "outcomes": _outcomes(jobs),
        "changes": page.writes,
        "failed": None if failed is None else failed[:SHOWN],
        "tab": "overview",
    }
    return view.answer(TEMPLATE, values)


async def _count_customers(view: View) -> int:
    return await view.flows.query.count_records(view.instance, RecordAddress(CUSTOMER), QueryOptions())


def _outcomes(jobs: Sequence[JobReport]) -> Mapping[str, Mapping[str, Any]]:
    """Of the last job that was held against what is live."""
    return next((report.job.outcomes for report in jobs if report.job.outcomes), {})
