"""One service on two sockets, http and https, which uvicorn by itself has only one of."""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn
from uvicorn.supervisors import Multiprocess, multiprocess

from topcoat.app import STOPPING

# A client that keeps its connection and does not answer the goodbye holds up the end of the service for so long.
TLS_GOODBYE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Raise `OSError`, or `ValueError` for a key that is locked."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(self.certificate, self.key, password=_refuse_to_unlock)
        return context


def _refuse_to_unlock() -> str:
    """In place of a question on the terminal."""
    raise ValueError("the key is locked by a passphrase")


class TwoPortConfig(uvicorn.Config):
    """`files`: of the certificate, if there is a second socket."""

    def __init__(self, app: Any, files: CertificateFiles | None, **options: Any) -> None:
        super().__init__(app, **options)
        self.files = files


class TwoPortServer(uvicorn.Server):
    """Speaks http on the first socket and https on the second; both stop as one."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        plain, *secure = sockets or []
        await super().startup([plain])
        for listener in secure:
            self.servers.append(await self._serve_securely(listener))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answers that never end by themselves end first; uvicorn waits for all of them."""
        stop = self.lifespan.state.get(STOPPING)
        if stop is not None:
            stop()
        await super().shutdown(sockets)

    async def _serve_securely(self, listener: socket.socket) -> asyncio.Server:
        assert isinstance(self.config, TwoPortConfig)
        assert self.config.files is not None  # there is a second socket
        return await asyncio.get_running_loop().create_server(
            self._make_protocol,
            sock=listener,
            ssl=self.config.files.context(),
            backlog=self.config.backlog,
            ssl_shutdown_timeout=TLS_GOODBYE_SECONDS,
        )

    def _make_protocol(self) -> asyncio.Protocol:
        """As uvicorn makes it for the first."""
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]  # as there
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


class _Worker(multiprocess.Process):
    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = TwoPortServer(self.config)
        return self._server


def run_workers(config: TwoPortConfig, sockets: list[socket.socket]) -> None:
    """Under uvicorn's supervisor, which lets nobody choose the server that its workers run."""
    multiprocess.Process = _Worker  # type: ignore[misc]
    Multiprocess(config, sockets=sockets).run()
