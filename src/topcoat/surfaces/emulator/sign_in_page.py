"""The page on which one chooses whom to sign in as: plain HTML, without a script."""

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from typing import Final
from urllib.parse import urlencode, urlsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response

from topcoat.core import roles, sign_in

USER: Final = "topcoat_user"
_STYLE: Final = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}"
    "li{margin:.5rem 0}:focus-visible{outline:3px solid}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_SAFE: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def choice(asked: Mapping[str, str]) -> Response:
    """One link for each role: the same question again, with who answers it."""
    items = "".join(
        f'<li><a href="?{escape(urlencode({**asked, USER: user}))}">{escape(role.name.capitalize())}</a></li>'
        for user, role in roles.TOKENS.items()
    )
    client = escape(asked.get("client_id", ""))
    return _page(f"Sign in to {sign_in.TENANT}", f"<p>Application {client} asks who you are.</p><ul>{items}</ul>")


def refusal(message: str) -> Response:
    return _page("Nobody was signed in", f"<p>{escape(message)}</p>", status=400)


def going_back(redirect_uri: str, response_mode: str, answer: Mapping[str, str]) -> Response:
    """To the application, whose address was checked: by redirection, or by a form that somebody sends."""
    if response_mode == "form_post":
        return _form(redirect_uri, answer)
    separator = "&" if urlsplit(redirect_uri).query else "?"
    return RedirectResponse(f"{redirect_uri}{separator}{urlencode(answer)}", 302, dict(_SAFE))


def _form(redirect_uri: str, answer: Mapping[str, str]) -> Response:
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in answer.items()
    )
    body = f'<form method="post" action="{escape(redirect_uri)}">{hidden}<button>Continue</button></form>'
    parts = urlsplit(redirect_uri)
    # A policy cannot name an address of IPv6.
    target = f"{parts.scheme}:" if "[" in parts.netloc else f"{parts.scheme}://{parts.netloc}"
    return _page("Back to the application", body, form_target=target)


def _page(title: str, body: str, *, status: int = 200, form_target: str = "'none'") -> Response:
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {form_target}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    content = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title} - Topcoat</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )
    return HTMLResponse(content, status, {**_SAFE, "Content-Security-Policy": policy})
