"""Where the console is, and which role each of its pages takes."""

from pathlib import Path
from typing import Final

from fastapi import FastAPI

from topcoat.settings import Settings
from topcoat.surfaces import permissions
from topcoat.surfaces.console import calls, changes, clock, jobs, overview, start, tables, writes
from topcoat.surfaces.pages.views import Answer, Pages

PREFIX: Final = "/console"
_TEMPLATES: Final = Path(__file__).parent / "templates"
_OF_INSTANCE: Final = f"{PREFIX}/{{instanceId}}"
_PAGES: Final[list[tuple[str, str, str, Answer]]] = [
    ("Console", "GET", "/", start.show_start),
    ("Console-instance", "GET", _OF_INSTANCE, overview.show_instance),
    ("Console-tables", "GET", f"{_OF_INSTANCE}/tables", tables.show_tables),
    ("Console-changes", "GET", f"{_OF_INSTANCE}/changes", changes.show_changes),
    ("Console-calls", "GET", f"{_OF_INSTANCE}/calls", calls.show_calls),
    ("Console-job", "GET", f"{_OF_INSTANCE}/jobs/{{jobId}}", jobs.show_job),
    ("Console-writes", "GET", f"{_OF_INSTANCE}/writes", writes.show_writes),
    ("Console-send", "POST", f"{_OF_INSTANCE}/writes", writes.send),
]
_CLOCK: Final = ("Console-clock", "POST", f"{PREFIX}/clock", clock.move)


def add_console(app: FastAPI, settings: Settings) -> None:
    """No page of it goes into anybody's frame."""
    pages = Pages(settings, _TEMPLATES)
    for operation, method, path, answer in [*_PAGES, *([_CLOCK] if settings.is_emulator else [])]:
        endpoint = pages.endpoint(answer, permissions.needed_role(operation))
        app.add_api_route(path, endpoint, methods=[method], operation_id=operation, include_in_schema=False)
