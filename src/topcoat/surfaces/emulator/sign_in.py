"""The emulator's tenant as identity libraries meet it: discovery, keys, tokens, and signing in on a page."""

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from topcoat.clock import Clock
from topcoat.core import errors, roles, sign_in
from topcoat.core.sign_in import Authorization, Fault, refused
from topcoat.flows import Flows
from topcoat.flows.sign_in import Caller, Tokens
from topcoat.surfaces import answers
from topcoat.surfaces.emulator import problems, sign_in_page, sign_in_problems
from topcoat.surfaces.origin import origin_of

PARAMETERS_MAX: Final = 50
_FORM: Final = "application/x-www-form-urlencoded"
_MODES: Final = ("query", "form_post")

Parameters = Mapping[str, str]
Endpoint = Callable[[Request], Awaitable[Response]]


def add_sign_in(app: FastAPI, clock: Clock) -> None:
    """By nobody's token; whoever is unknown is refused as the vendor refuses."""
    routes: list[tuple[str, str, str, Endpoint]] = [
        ("Discover-instance", "GET", "/common/discovery/instance", _discover_instance),
        ("Get-openid-configuration", "GET", "/{tenant}/v2.0/.well-known/openid-configuration", _configuration),
        ("Get-token-keys", "GET", "/{tenant}/discovery/v2.0/keys", _keys),
        ("Get-token", "POST", "/{tenant}/oauth2/v2.0/token", _token),
        ("Authorize", "GET", "/{tenant}/oauth2/v2.0/authorize", _authorize),
    ]
    for operation, method, path, answer in routes:
        app.add_api_route(
            path, _answering(answer, clock), methods=[method], operation_id=operation, include_in_schema=False
        )


def _answering(answer: Endpoint, clock: Clock) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            if "tenant" in request.path_params:
                sign_in.check_tenant(request.path_params["tenant"])
            return await answer(request)
        except errors.SignInRefused as error:
            return sign_in_problems.refusal(request, error, clock.system_now())
        except errors.TopcoatError as error:
            return problems.problem(error)

    return endpoint


async def _discover_instance(request: Request) -> Response:
    """Which tenant an address of authorization is of; this emulator knows only itself, and libraries drop its port."""
    host, tenant = sign_in.read_authority(_required(_parse(request.url.query), "authorization_endpoint"))
    caller = _caller(request)
    if host is None or host != caller.host:
        raise refused(Fault.INSTANCE, "Unknown or invalid instance: authorization_endpoint is not of this service.")
    sign_in.check_tenant(tenant)
    known = {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
    return answers.json_answer(
        {
            "tenant_discovery_endpoint": f"{caller.issuer}/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [known],
        }
    )


async def _configuration(request: Request) -> Response:
    caller = _caller(request)
    tenant = f"{caller.origin}/{sign_in.TENANT}"
    return answers.json_answer(
        {
            "issuer": caller.issuer,
            "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize",
            "token_endpoint": f"{tenant}/oauth2/v2.0/token",
            "jwks_uri": f"{tenant}/discovery/v2.0/keys",
            "response_types_supported": ["code"],
            "response_modes_supported": list(_MODES),
            "grant_types_supported": list(_GRANTS),
            "subject_types_supported": ["pairwise"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nbf", "nonce", "name", "oid", "tid", "ver"],
        }
    )


async def _keys(request: Request) -> Response:
    return answers.json_answer(await _flows(request).sign_in.publish_keys())


async def _token(request: Request) -> Response:
    is_form = request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM
    given = _parse((await request.body()).decode("utf-8", "replace")) if is_form else {}
    grant, client = _required(given, "grant_type"), _required(given, "client_id")
    if grant not in _GRANTS:
        raise refused(
            Fault.GRANT,
            f"The application asked for a grant type that is not supported; there are {', '.join(_GRANTS)}.",
        )
    sign_in.check_client(client)
    sign_in.check_secret(client, given.get("client_secret"), is_needed=grant == "client_credentials")
    tokens = await _GRANTS[grant](_flows(request), _caller(request), client, given)
    return answers.json_answer(
        _shown(tokens, has_client_info=given.get("client_info") == "1"), 200, sign_in_problems.UNCACHED
    )


async def _by_credentials(flows: Flows, caller: Caller, client: str, given: Parameters) -> Tokens:
    return await flows.sign_in.sign_application_in(caller, client, _required(given, "scope"))


async def _by_code(flows: Flows, caller: Caller, client: str, given: Parameters) -> Tokens:
    return await flows.sign_in.redeem(
        caller,
        client,
        code=_required(given, "code"),
        redirect_uri=_required(given, "redirect_uri"),
        verifier=_required(given, "code_verifier"),
        scope=given.get("scope"),
    )


async def _by_refresh_token(flows: Flows, caller: Caller, client: str, given: Parameters) -> Tokens:
    return await flows.sign_in.refresh(
        caller, client, token=_required(given, "refresh_token"), scope=given.get("scope")
    )


_GRANTS: Final = {
    "client_credentials": _by_credentials,
    "authorization_code": _by_code,
    "refresh_token": _by_refresh_token,
}


def _shown(tokens: Tokens, *, has_client_info: bool) -> dict[str, Any]:
    seconds = int(sign_in.TOKEN_LIFETIME.total_seconds())
    shown: dict[str, Any] = {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds}
    if tokens.user is not None:
        shown["scope"] = tokens.scope
    more = {"access_token": tokens.access, "refresh_token": tokens.refresh, "id_token": tokens.identity}
    if has_client_info and tokens.user is not None:
        info = orjson.dumps({"uid": tokens.user, "utid": sign_in.TENANT_ID})
        more["client_info"] = base64.urlsafe_b64encode(info).decode().rstrip("=")
    return shown | {name: value for name, value in more.items() if value is not None}


async def _authorize(request: Request) -> Response:
    """Who may not be answered at the address given is told so here, and everybody else there."""
    try:
        given = _parse(request.url.query)
        client, redirect_uri = _required(given, "client_id"), _required(given, "redirect_uri")
        sign_in.check_client(client)
        sign_in.check_redirect(redirect_uri)
    except errors.SignInRefused as error:
        return sign_in_page.refusal(error.message)
    mode = given.get("response_mode", "query")
    state = {"state": given["state"]} if "state" in given else {}
    try:
        authorization = _authorization(given, client, redirect_uri, _caller(request))
    except errors.SignInRefused as error:
        answer = {"error": error.parts["fault"].value[1], "error_description": error.message}
        return sign_in_page.going_back(redirect_uri, mode, answer | state)
    if authorization is None:
        return sign_in_page.choice(given)
    code = await _flows(request).sign_in.authorize(authorization)
    return sign_in_page.going_back(redirect_uri, mode, {"code": code} | state)


def _authorization(given: Parameters, client: str, redirect_uri: str, caller: Caller) -> Authorization | None:
    """None while nobody has chosen who signs in."""
    if _required(given, "response_type") != "code":
        raise refused(Fault.RESPONSE_TYPE, "The response_type is not supported; expected code.")
    if given.get("response_mode", "query") not in _MODES:
        raise refused(Fault.RESPONSE_MODE, f"The response_mode is not supported; expected {' or '.join(_MODES)}.")
    challenge = sign_in.check_challenge(given.get("code_challenge"), given.get("code_challenge_method"))
    scope = _required(given, "scope")
    sign_in.parse_user_scope(scope, caller.host)
    user = given.get(sign_in_page.USER)
    if user is None or user not in roles.TOKENS:
        if given.get("prompt") == "none":
            raise refused(Fault.NOT_SIGNED_IN, "Nobody is signed in, and prompt=none lets nobody.")
        return None
    return Authorization(client, redirect_uri, challenge, scope, given.get("nonce"), user)


def _parse(text: str) -> Parameters:
    """Empty parameters count as left out; none may be repeated."""
    try:
        pairs = parse_qsl(text, max_num_fields=PARAMETERS_MAX)
    except ValueError:
        raise refused(Fault.MALFORMED, f"There are more than {PARAMETERS_MAX} parameters.") from None
    given = dict(pairs)
    if len(given) != len(pairs):
        raise refused(Fault.MALFORMED, "A parameter is repeated.")
    return given


def _required(given: Parameters, name: str) -> str:
    value = given.get(name)
    if value is None:
        raise refused(Fault.MISSING, f"The request body must contain the following parameter: '{name}'.")
    return value


def _caller(request: Request) -> Caller:
    return Caller(origin_of(request), request.url.hostname)


def _flows(request: Request) -> Flows:
    flows: Flows = request.app.state.flows
    return flows
