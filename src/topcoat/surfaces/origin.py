"""Where a caller has the service, by the address that was called."""

from urllib.parse import quote

from starlette.requests import Request


def origin_of(request: Request) -> str:
    """Scheme, host and port, as links begin with."""
    host = request.headers.get("host") or "{}:{}".format(*request.scope["server"])
    return f"{request.scope['scheme']}://{quote(host, safe='.:[]')}"
