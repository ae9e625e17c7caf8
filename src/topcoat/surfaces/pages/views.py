"""One page that somebody asks for: who may see it, how it is rendered, and how its refusals are."""

import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from topcoat.core import errors
from topcoat.core.odata import address as addresses
from topcoat.core.roles import Role
from topcoat.flows import Flows
from topcoat.settings import Settings
from topcoat.surfaces import access, limits, usage
from topcoat.surfaces.access import Access, Principal, check_role
from topcoat.surfaces.origin import origin_of
from topcoat.surfaces.pages import forms, languages, problems, visitors
from topcoat.surfaces.pages.languages import Language
from topcoat.surfaces.pages.visitors import Visitor

if TYPE_CHECKING:
    from jinja2 import Environment

NOBODY: Final = "'none'"
_TEMPLATES: Final = Path(__file__).parent / "templates"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors {}"
)
_SAFE: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Language, Authorization, Cookie",
}
_FRAMES: Final = ("iframe", "frame", "object", "embed")
_KINDS: Final = {401: "unauthenticated", 403: "forbidden", 404: "missing", 429: "busy", 503: "unavailable"}


@dataclass(frozen=True, slots=True)
class View:
    """`visitor` and `principal` are None while it is not known who looks."""

    request: Request
    flows: Flows
    pages: "Pages"
    language: Language
    secret: str
    visitor: Visitor | None = None
    principal: Principal | None = None

    @property
    def instance(self) -> str:
        return str(self.request.path_params.get("instanceId", "")).lower()

    @property
    def token(self) -> str:
        assert self.visitor is not None  # of pages that are shown to somebody
        return self.visitor.token

    @property
    def headers(self) -> Headers:
        """What the API would be asked with."""
        assert self.visitor is not None  # likewise
        return self.visitor.headers

    @property
    def origin(self) -> str:
        """Where the visitor has the service."""
        return origin_of(self.request)

    @property
    def path(self) -> str:
        """As it was asked for: decoded, a slash would be one with `%2F`."""
        raw: bytes = self.request.scope["raw_path"]
        return raw.decode("ascii", "replace")

    @property
    def query(self) -> str:
        return addresses.ascii_query(self.request.scope["query_string"])

    @property
    def items(self) -> list[tuple[str, str]]:
        """Of the query; raise `OptionInvalid`."""
        return addresses.parse_query_string(self.query)

    @property
    def here(self) -> str:
        return self.path + (f"?{self.query}" if self.query else "")

    @property
    def is_framed(self) -> bool:
        return self.request.headers.get("sec-fetch-dest") in _FRAMES

    def may(self, needed: Role) -> bool:
        role = None if self.principal is None else self.principal.role
        return role is not None and role >= needed

    def answer(
        self, template: str, values: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        text = (
            _environment(self.pages.folder)
            .get_template(template)
            .render(view=self, say=self.language.say, count=self.language.count, roles=list(Role), **values)
        )
        response = HTMLResponse(text, status, {**_SAFE, **self.pages.framing, **(headers or {})})
        if not self.is_framed and self.request.cookies.get(forms.SECRET_COOKIE) != self.secret:
            forms.set_cookie(self.request, response, forms.SECRET_COOKIE, self.secret)
        return response


Answer = Callable[[View], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one surface: its templates, beside those that all have, and who may put them into frames."""

    settings: Settings
    folder: Path
    frame_ancestors: str = NOBODY
    framing: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        denied = {"X-Frame-Options": "DENY"} if self.frame_ancestors == NOBODY else {}
        policy = {"Content-Security-Policy": _POLICY.format(self.frame_ancestors)}
        object.__setattr__(self, "framing", policy | denied)

    def endpoint(self, answer: Answer, needed: Role) -> Callable[[Request], Awaitable[Response]]:
        """By whoever may what the role may, in the instance that the address names, or in all."""

        async def endpoint(request: Request) -> Response:
            response: Response | None = None
            try:
                response = await self._respond(request, answer, needed)
                return response
            finally:
                await limits.end(request, response)

        return endpoint

    async def _respond(self, request: Request, answer: Answer, needed: Role) -> Response:
        language, secret = languages.chosen(request.headers), forms.secret_of(request)
        view = View(request, request.app.state.flows, self, language, secret)
        try:
            visitor = visitors.find_visitor(request, self.settings)
            view = replace(view, visitor=visitor)
            principal = await _admit(view, visitor)
            view = replace(view, principal=principal)
            check_role(principal, needed)
            return await answer(view)
        except errors.TopcoatError as error:
            usage.notes_of(request.scope).error = error.code
            return problem(view, error)


@functools.cache
def _environment(folder: Path) -> "Environment":
    import jinja2  # noqa: PLC0415 - heavy, and only needed once somebody looks

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, _TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


async def _admit(view: View, visitor: Visitor) -> Principal:
    known: Access = view.request.app.state.access
    permissions = view.flows.permissions
    if view.instance:
        principal = await known.authenticate_for(visitor.headers, view.instance, permissions, needs_key=False)
    else:
        principal = await known.authenticate(visitor.headers, permissions)
        if principal.role is None:  # there may be instances that gave it one
            principal, _ = await known.list_entered(visitor.headers, view.flows.instances, permissions)
    usage.notes_of(view.request.scope).caller = principal.name
    await limits.begin(view.request, instance=view.instance, principal=principal.name, subscription_key="")
    return principal


def problem(view: View, error: errors.TopcoatError) -> Response:
    status = problems.status_of(error)
    values = {"kind": _KINDS.get(status, "bad"), "message": error.message, "status": status}
    return view.answer("problem.html", values, status=status, headers=access.refusal_headers(error))
