"""Runs the service: one process, or several on one socket."""

import asyncio
import ipaddress
import signal
import socket
import sys
from collections.abc import Callable

import uvicorn
from uvicorn.supervisors import Multiprocess

from topcoat import app as composition
from topcoat.cli.transport import GatheringProtocol
from topcoat.core import errors
from topcoat.settings import Settings
from topcoat.store.engine import Store
from topcoat.surfaces.access import Access

GRACEFUL_SHUTDOWN_SECONDS = 30
KEEP_ALIVE_SECONDS = 75
WORKER_APP = "topcoat.app:app_from_environment"


def serve(settings: Settings, announce: Callable[[str], None] | None = None) -> None:
    """Serve until stopped; `announce` is called with the address when the port is taken and before the first answer."""
    refuse_public_emulator(settings)
    _ = settings.chosen_limits  # refused here, and not in every worker
    refuse_unclear_auth(settings)
    asyncio.run(check_schema(settings))
    listener = bind(settings)
    host, port = listener.getsockname()[:2]
    address = f"http://{_in_url(host)}:{port}"
    (announce or _say)(address)
    if settings.workers > 1:
        settings.export()
        Multiprocess(_config(settings, WORKER_APP), sockets=[listener]).run()
        return
    composition.configure_logging(settings)
    composition.settle_garbage_collection()
    # uvicorn finishes gracefully, then raises the signal again for whoever handled it before.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = uvicorn.Server(_config(settings, composition.create_app(settings)))
    server.run(sockets=[listener])


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


def bind(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        sys.stderr.write(
            f"topcoat: cannot listen on {settings.host} port {settings.port}: {error.strerror}; try --port.\n"
        )
        sys.exit(1)
    listener.set_inheritable(True)
    return listener


def _config(settings: Settings, app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # an application or where to import one from
        factory=isinstance(app, str),
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        http=GatheringProtocol,
        ws="none",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _say(address: str) -> None:
    sys.stderr.write(f"topcoat: listening on {address}\n")
