"""Pages of other origins that may read and embed cards: those that are configured, else none, in emulator mode all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers

from topcoat.settings import Settings

ALL: Final = "*"
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET",
    "Access-Control-Allow-Headers": "Authorization, If-None-Match",
    "Access-Control-Max-Age": "600",
}


@dataclass(frozen=True, slots=True)
class Origins:
    allowed: tuple[str, ...]

    def headers(self, request: Headers) -> dict[str, str]:
        """What lets the page that asked read the answer; nothing where it may not."""
        origin = request.get("origin")
        if origin is None or not self._allows(origin):
            return {"Vary": "Origin"} if self.allowed != (ALL,) else {}
        shown = ALL if self.allowed == (ALL,) else origin
        exposed = {"Access-Control-Expose-Headers": "ETag, Retry-After, Topcoat-Now, Topcoat-Clock"}
        return {"Access-Control-Allow-Origin": shown, **exposed} | ({} if shown == ALL else {"Vary": "Origin"})

    def preflight(self, request: Headers) -> Mapping[str, str]:
        found = self.headers(request)
        return found | _PREFLIGHT if "Access-Control-Allow-Origin" in found else found

    @property
    def frame_ancestors(self) -> str:
        """For the Content-Security-Policy of pages."""
        if self.allowed == (ALL,):
            return ALL
        return " ".join(("'self'", *self.allowed))

    def _allows(self, origin: str) -> bool:
        return self.allowed == (ALL,) or origin in self.allowed


def origins_of(settings: Settings) -> Origins:
    if settings.card_origins is not None:
        return Origins(tuple(settings.card_origins.split()))
    return Origins((ALL,) if settings.is_emulator else ())
