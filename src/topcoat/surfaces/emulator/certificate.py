"""The certificate of the local CA, for clients to trust; nobody has to sign in for it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from topcoat.core import errors
from topcoat.settings import Settings
from topcoat.surfaces import answers
from topcoat.surfaces.emulator import problems

PATH: Final = "/_topcoat/ca.pem"
PEM: Final = "application/x-pem-file"
_DESCRIBED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The certificate.", "content": {PEM: {"schema": {"type": "string"}}}},
    404: answers.described(404, "There is no local CA, or a certificate of somebody else's is used."),
    414: problems.DESCRIBED[414],
}


def add_certificate(app: FastAPI, settings: Settings) -> None:
    app.add_api_route(
        PATH,
        _answering(None if settings.tls_cert is not None else settings.ca_file),
        operation_id="Get-CA-certificate",
        summary="Get the certificate of the local CA",
        tags=["Emulator"],
        response_model=None,
        response_class=Response,
        responses=_DESCRIBED,
    )


def _answering(file: Path | None) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        try:
            if file is None:
                raise FileNotFoundError
            return Response(await asyncio.to_thread(file.read_bytes), media_type=PEM)
        except FileNotFoundError:
            return problems.problem(errors.AddressNotFound(method="GET", path=PATH))

    return answer
