"""One job: its tasks, and the report of what it did."""

from typing import Final

import orjson
from starlette.responses import Response

from topcoat.core import errors
from topcoat.surfaces.pages.views import View

TEMPLATE: Final = "job.html"


async def show_job(view: View) -> Response:
    """Raise `JobNotFound`."""
    job_id = view.request.path_params["jobId"]
    instance = await view.flows.instances.get_instance(view.instance)
    found = await view.flows.jobs.get_job(view.instance, job_id)
    values = {"instance": instance, "job": found.job, "tasks": found.tasks, "report": None, "without": None, "tab": ""}
    try:
        report = await view.flows.jobs.get_report(view.instance, job_id)
        values["report"] = orjson.dumps(report, option=orjson.OPT_INDENT_2).decode()
    except errors.ReportNotFound as error:
        values["without"] = error.message
    return view.answer(TEMPLATE, values)
