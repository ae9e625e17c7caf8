"""What all pages have in common at addresses of its own: their style, their script, and the choice of a role."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import Response

from topcoat.core import catalog, errors
from topcoat.core.roles import Role
from topcoat.settings import Settings
from topcoat.surfaces.pages import files, forms, visitors
from topcoat.surfaces.pages.views import Pages, View

ROLE: Final = "role"
_FILES: Final = Path(__file__).parent / "static"


def add_pages(app: FastAPI, settings: Settings) -> None:
    files.add_files(app, "/pages", files.read_folder(_FILES), "Page-file", _no_more)
    if settings.is_emulator:
        pages = Pages(settings, _FILES)
        app.add_api_route(
            "/pages/role",
            pages.endpoint(_choose_role, Role.VIEWER),
            methods=["POST"],
            operation_id="Choose-role",
            include_in_schema=False,
        )


def _no_more(_: Headers) -> Mapping[str, str]:
    return {}


async def _choose_role(view: View) -> Response:
    given = await forms.read_form(view.request)
    role = visitors.role_named(given.get(ROLE, ""))
    if role is None:
        known = ", ".join(role.name.lower() for role in Role)
        raise errors.ParameterInvalid(parameter=ROLE, found=f"'{catalog.shown(given.get(ROLE, ''))}'", expected=known)
    response = forms.going_back(given)
    forms.set_cookie(view.request, response, visitors.ROLE_COOKIE, role.name.lower())
    return response
