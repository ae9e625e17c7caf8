"""The vendor's identity libraries, unmodified, at a service with https: prints what they got as one JSON object.

Runs in an environment of its own, where nothing of the service is installed.
"""

import asyncio
import json
import re
import sys
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import msal
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential

ROOT = sys.argv[1]
AUTHORITY = f"{ROOT}/contoso"
CLIENT, SECRET = "topcoat-contributor", "topcoat-secret"
SCOPE = f"{ROOT}/.default"
REDIRECT = "http://localhost:4711/back"


def by_msal(secret: str = SECRET, **authority: Any) -> Any:
    application = msal.ConfidentialClientApplication(CLIENT, client_credential=secret, **authority)
    answer = application.acquire_token_for_client([SCOPE])
    return answer.get("access_token") or {name: answer[name] for name in ("error", "error_codes")}


def by_azure_identity(secret: str = SECRET) -> str:
    with ClientSecretCredential(
        "contoso", CLIENT, secret, authority=ROOT, disable_instance_discovery=True
    ) as credential:
        try:
            return credential.get_token(SCOPE).token
        except ClientAuthenticationError as error:
            return str(error.message)


async def by_azure_identity_aio() -> str:
    credential = AsyncClientSecretCredential("contoso", CLIENT, SECRET, authority=ROOT, disable_instance_discovery=True)
    async with credential:
        return (await credential.get_token(SCOPE)).token


def by_signing_in(response_mode: str) -> dict[str, str]:
    """As a person would: the page in a browser, a role chosen, and back at the application."""
    application = msal.PublicClientApplication("topcoat-viewer", authority=AUTHORITY, instance_discovery=False)
    flow = application.initiate_auth_code_flow(
        [f"{ROOT}/user_impersonation"], redirect_uri=REDIRECT, response_mode=response_mode
    )
    page = requests.get(flow["auth_uri"], timeout=30)
    (link,) = re.findall(r'<a href="([^"]+)">Administrator</a>', page.text)
    back = requests.get(urljoin(page.url, unescape(link)), timeout=30, allow_redirects=False)
    if response_mode == "form_post":
        brought = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', back.text)}
    else:
        brought = dict(parse_qsl(urlsplit(back.headers["location"]).query))
    first = application.acquire_token_by_auth_code_flow(flow, brought)
    (account,) = application.get_accounts()
    again = application.acquire_token_silent([f"{ROOT}/user_impersonation"], account, force_refresh=True)
    return {"user": account["username"], "first": first["access_token"], "again": again["access_token"]}


sys.stdout.write(
    json.dumps(
        {
            "tokens": {
                "msal": by_msal(authority=AUTHORITY, instance_discovery=False),
                "msal_oidc": by_msal(oidc_authority=f"{AUTHORITY}/v2.0", instance_discovery=False),
                "msal_discovery": by_msal(authority=AUTHORITY, instance_discovery=f"{ROOT}/common/discovery/instance"),
                "azure_identity": by_azure_identity(),
                "azure_identity_aio": asyncio.run(by_azure_identity_aio()),
            },
            "people": [by_signing_in(mode) for mode in ("query", "form_post")],
            "wrong": [by_msal("wrong", authority=AUTHORITY, instance_discovery=False), by_azure_identity("wrong")],
        }
    )
)
