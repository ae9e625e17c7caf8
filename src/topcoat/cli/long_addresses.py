"""Addresses of any length that the service reads: uvicorn's parser of addresses ends at 65,535 bytes."""

from typing import Final
from urllib.parse import unquote

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from topcoat.surfaces.access import ADDRESS_BYTES_MAX

_PARSED_BYTES_MAX: Final = 65_535
_KEPT_BYTES_MAX: Final = ADDRESS_BYTES_MAX + len("?") + 1


class LongAddressProtocol(HttpToolsProtocol):
    def on_url(self, url: bytes) -> None:
        """Keep as much as the application needs to refuse the address: the question mark does not count there."""
        super().on_url(url[: max(_KEPT_BYTES_MAX - len(self.url), 0)])

    def on_headers_complete(self) -> None:
        if len(self.url) <= _PARSED_BYTES_MAX:
            super().on_headers_complete()
            return
        path, _, query = self.url.partition(b"?")
        self.url = b"/"
        super().on_headers_complete()
        # The application sees the same scope, and not before this returns.
        self.scope["raw_path"] = path
        self.scope["path"] = unquote(path.decode("ascii"))
        self.scope["query_string"] = query
