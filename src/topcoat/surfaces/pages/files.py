"""The files that pages consist of: read and compressed once, answered from memory."""

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from topcoat.surfaces import answers

MEDIA_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".woff2": "font/woff2",
}
_SAFE: Final = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
_TAG_BYTES: Final = 12

MoreHeaders = Callable[[Headers], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class File:
    """`compressed` is None where that would not make it smaller."""

    content: bytes
    compressed: bytes | None
    media_type: str
    tag: str


def read_folder(folder: Path) -> dict[str, File]:
    """Every file below a folder by its path there; raise `LookupError` for one whose type is not known."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _read(path) for path in paths}


def add_files(app: FastAPI, prefix: str, files: Mapping[str, File], operation: str, more_headers: MoreHeaders) -> None:
    """A route for each, so that nothing else can be asked for."""
    for name, file in files.items():
        app.add_api_route(
            f"{prefix}/{name}", _endpoint(file, more_headers), operation_id=operation, include_in_schema=False
        )


def _read(path: Path) -> File:
    media_type = MEDIA_TYPES.get(path.suffix)
    if media_type is None:
        raise LookupError(f"{path.name} has no media type in topcoat/surfaces/pages/files.py.")
    content = path.read_bytes()
    compressed = gzip.compress(content, mtime=0)
    tag = f'W/"{hashlib.blake2b(content, digest_size=_TAG_BYTES).hexdigest()}"'
    return File(content, compressed if len(compressed) < len(content) else None, media_type, tag)


def _endpoint(file: File, more_headers: MoreHeaders) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        more = more_headers(request.headers)
        vary = ", ".join(filter(None, ("Accept-Encoding", more.get("Vary"))))
        headers = {**_SAFE, **more, "Vary": vary, "ETag": file.tag}
        if answers.has_tag(request.headers, file.tag):
            return Response(status_code=304, headers=headers)
        if file.compressed is None or not _takes_gzip(request.headers):
            return Response(file.content, 200, headers, file.media_type)
        return Response(file.compressed, 200, headers | {"Content-Encoding": "gzip"}, file.media_type)

    return endpoint


def _takes_gzip(headers: Headers) -> bool:
    wanted = answers.qualities(",".join(headers.getlist("accept-encoding")))
    return wanted.get("gzip", wanted.get("*", 0.0)) > 0
