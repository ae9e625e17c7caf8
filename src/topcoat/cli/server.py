"""Runs the service: one process, or several on one socket."""

import asyncio
import ipaddress
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from topcoat import app as composition
from topcoat.cli import sockets, tls
from topcoat.cli.transport import GatheringProtocol
from topcoat.cli.two_ports import CertificateFiles, TwoPortConfig, TwoPortServer, run_workers
from topcoat.core import errors
from topcoat.settings import Settings
from topcoat.store.engine import Store
from topcoat.surfaces.access import Access

GRACEFUL_SHUTDOWN_SECONDS = 30
KEEP_ALIVE_SECONDS = 75
# On a busy machine a worker takes long to start; uvicorn would replace it meanwhile, again and again.
WORKER_ANSWER_SECONDS = 30
WORKER_APP = "topcoat.app:app_from_environment"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the service listens; `ca_file` is what to trust the second by, where it has a certificate of ours."""

    http: str
    https: str | None
    ca_file: Path | None


def serve(settings: Settings, announce: Callable[[Addresses], None] | None = None) -> None:
    """Serve until stopped; `announce` is called when the ports are taken and before the first answer."""
    refuse_public_emulator(settings)
    _ = settings.chosen_limits  # refused here, and not in every worker
    refuse_unclear_auth(settings)
    tls.refuse_unclear(settings)
    asyncio.run(check_schema(settings))
    plain = sockets.bind_or_exit(settings.host, settings.port, "--port")
    secure = tls.listen(settings)
    files = None if secure is None else tls.certificate_files(settings)
    (announce or _say)(_addresses(settings, plain, secure))
    _run(settings, files, [plain] if secure is None else [plain, secure])


def _run(settings: Settings, files: CertificateFiles | None, listeners: list[socket.socket]) -> None:
    if settings.workers > 1:
        settings.export()
        run_workers(_config(settings, WORKER_APP, files), listeners)
        return
    composition.configure_logging(settings)
    composition.settle_garbage_collection()
    # uvicorn finishes gracefully, then raises the signal again for whoever handled it before.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    TwoPortServer(_config(settings, composition.create_app(settings), files)).run(sockets=listeners)


def refuse_public_emulator(settings: Settings) -> None:
    """Emulator tokens are known to everybody, so they are for loopback addresses (S33)."""
    if _is_loopback(settings.host):
        return
    if settings.is_open:
        raise errors.ParameterInvalid(
            parameter="--open", found=f"asked for on {settings.host}", expected="a loopback address with it"
        )
    if settings.is_emulator and not settings.i_know_this_is_open:
        raise errors.ParameterInvalid(
            parameter="--host",
            found=f"{settings.host}, where everybody knows the emulator's tokens",
            expected="a loopback address, or --i-know-this-is-open",
        )


def refuse_unclear_auth(settings: Settings) -> None:
    """Raise `ParameterInvalid` unless it is clear whom to believe."""
    if settings.is_emulator:
        return
    if settings.is_open:
        raise errors.ParameterInvalid(
            parameter="--open", found="asked for beside --auth entra", expected="one of the two"
        )
    Access(settings)


async def check_schema(settings: Settings) -> None:
    store = Store(settings.effective_database_url)
    try:
        await store.check_schema()
    finally:
        await store.close()


def _config(settings: Settings, app: object, files: CertificateFiles | None) -> TwoPortConfig:
    return TwoPortConfig(
        app,  # an application or where to import one from
        files,
        factory=isinstance(app, str),
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        http=GatheringProtocol,
        ws="none",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
        timeout_worker_healthcheck=WORKER_ANSWER_SECONDS,
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _addresses(settings: Settings, plain: socket.socket, secure: socket.socket | None) -> Addresses:
    has_own = secure is None or settings.tls_cert is not None
    return Addresses(
        sockets.address_of(plain, "http"),
        None if secure is None else sockets.address_of(secure, "https"),
        None if has_own else settings.ca_file,
    )


def _say(addresses: Addresses) -> None:
    sys.stderr.write(f"topcoat: listening on {addresses.http}, with a console at {addresses.http}/\n")
    if addresses.https is not None:
        trusted = "" if addresses.ca_file is None else f", trusted by {addresses.ca_file}"
        sys.stderr.write(f"topcoat: listening on {addresses.https}{trusted}\n")
