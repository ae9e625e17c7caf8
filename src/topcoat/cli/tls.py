"""https beside http: which port, and which certificate."""

import socket
import ssl
import sys
from typing import Final

from topcoat.cli import sockets
from topcoat.cli.two_ports import CertificateFiles
from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.settings import Settings

DEFAULT_PORT: Final = 8343


def refuse_unclear(settings: Settings) -> None:
    """Raise `ParameterInvalid` for options that do not go together."""
    given = {
        "--tls-port": settings.tls_port,
        "--tls-name": settings.tls_name,
        "--tls-cert": settings.tls_cert,
        "--tls-key": settings.tls_key,
    }
    named = [option for option, value in given.items() if value is not None]
    if named and not settings.tls:
        raise errors.ParameterInvalid(parameter=named[0], found="given without --tls", expected="both")
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise errors.ParameterInvalid(
            parameter="--tls-cert and --tls-key", found="not both given", expected="both, or neither"
        )
    if settings.tls_cert is not None and settings.tls_name is not None:
        expected = "names for a certificate of the local CA only"
        raise errors.ParameterInvalid(parameter="--tls-name", found="given beside --tls-cert", expected=expected)


def listen(settings: Settings) -> socket.socket | None:
    """Without a named port, rather no https than no service."""
    if not settings.tls:
        return None
    if settings.tls_port is not None:
        return sockets.bind_or_exit(settings.host, settings.tls_port, "--tls-port")
    try:
        return sockets.bind(settings.host, DEFAULT_PORT)
    except OSError as error:
        sys.stderr.write(
            f"topcoat: warning: no https, for port {DEFAULT_PORT} cannot be listened on: {error.strerror}; "
            "name another by --tls-port.\n"
        )
        return None


def certificate_files(settings: Settings) -> CertificateFiles:
    """Those of the options, else of the local CA; raise `CertificateUnusable`."""
    if settings.tls_cert is not None and settings.tls_key is not None:
        files = CertificateFiles(settings.tls_cert, settings.tls_key)
    else:
        from topcoat.cli import local_ca  # cryptography, which takes its time

        names = (settings.tls_name or "").split()
        file = local_ca.provide_server_certificate(settings.ca_file, names, Clock(is_adjustable=False).system_now())
        files = CertificateFiles(file, file)
    _check(files)
    return files


def _check(files: CertificateFiles) -> None:
    for file in (files.certificate, files.key):
        try:
            file.read_bytes()
        except OSError as error:
            raise errors.CertificateUnusable(file=file, reason=error.strerror or type(error).__name__) from None
    try:
        files.context()
    except ssl.SSLError as error:
        raise errors.CertificateUnusable(file=files.certificate, reason=_reason(error)) from None
    except ValueError as error:
        raise errors.CertificateUnusable(file=files.key, reason=str(error)) from None


def _reason(error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not the certificate's"
    return f"expected a certificate and its key, in PEM ({error.reason or 'unreadable'})"
