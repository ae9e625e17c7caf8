"""A certificate authority in the home folder, made at its first use, and the server's certificates that it signs."""

import hashlib
import ipaddress
import os
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from filelock import FileLock

from topcoat.core import errors
from topcoat.core.catalog import shown

AUTHORITY_LIFETIME: Final = timedelta(days=3650)
SERVER_LIFETIME: Final = timedelta(days=397)  # the longest that every client takes
RENEWED_BEFORE_END: Final = timedelta(days=30)
BACKDATED: Final = timedelta(hours=1)  # for clients whose clock is slow
ALWAYS_NAMED: Final = ("localhost", "127.0.0.1", "::1")
NAMES_MAX: Final = 100
NAME_LENGTH_MAX: Final = 253
LOCK_SECONDS_MAX: Final = 30

_NAME: Final = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_AUTHORITY_FILE: Final = "authority.pem"
_SECRET, _PUBLIC = 0o600, 0o644


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key; one file holds both, so that they never disagree."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def provide_authority(certificate_file: Path, now: datetime) -> None:
    """Make the authority unless it is there; its certificate alone is in that file, for clients to trust."""
    with _locked(certificate_file.parent):
        _provide_authority(certificate_file, now)


def provide_server_certificate(certificate_file: Path, names: Iterable[str], now: datetime) -> Path:
    """The file with key and certificate for these names beside the usual ones, made anew where it would soon end."""
    named = sorted({*ALWAYS_NAMED, *_host_name(), *map(_checked, names)})
    if len(named) > NAMES_MAX:
        raise errors.ParameterInvalid(
            parameter="--tls-name", found=f"given {len(named)} times", expected=f"at most {NAMES_MAX} names"
        )
    folder = certificate_file.parent
    # A file for each set of names: services of one home may have different ones.
    file = folder / f"server-{hashlib.sha256(' '.join(named).encode()).hexdigest()[:12]}.pem"
    with _locked(folder):
        authority = _provide_authority(certificate_file, now)
        if not _serves(file, authority, now):
            _write(file, _pem(_sign_server(authority, named, now)), _SECRET)
    return file


def _provide_authority(certificate_file: Path, now: datetime) -> Issued:
    file = certificate_file.parent / _AUTHORITY_FILE
    authority = _read_authority(file) if file.exists() else None
    if authority is None or authority.certificate.not_valid_after_utc < now + SERVER_LIFETIME:
        authority = _make_authority(now)
        _write(file, _pem(authority), _SECRET)
    public = authority.certificate.public_bytes(serialization.Encoding.PEM)
    if not certificate_file.exists() or certificate_file.read_bytes() != public:
        _write(certificate_file, public, _PUBLIC)
    return authority


def _locked(folder: Path) -> FileLock:
    """One process at a time: of two that begin at once, the second finds what the first made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / "lock", timeout=LOCK_SECONDS_MAX)
    except OSError as error:
        raise _unusable(folder, error.strerror or type(error).__name__) from None


def _read_authority(file: Path) -> Issued:
    """Not made anew where it is broken: clients trust the one that was there."""
    try:
        return _parse(file.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged"
        raise _unusable(file, f"{reason}; delete it to have a new authority made") from None


def _serves(file: Path, authority: Issued, now: datetime) -> bool:
    """Whether the certificate there is of this authority, and holds for a while."""
    try:
        certificate = _parse(file.read_bytes()).certificate
        certificate.verify_directly_issued_by(authority.certificate)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEWED_BEFORE_END


def _make_authority(now: datetime) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    # Clients that trust the authorities of several homes tell them apart by name.
    name = _named(f"Topcoat local CA {identifier.digest.hex()[:8]}")
    certificate = (
        _begun(name, name, key, now, AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Issued(certificate, key)


def _sign_server(authority: Issued, names: list[str], now: datetime) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _begun(_named("Topcoat"), authority.certificate.subject, key, now, SERVER_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Issued(certificate, key)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now - BACKDATED + lifetime)
    )


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _host_name() -> list[str]:
    """This machine's, where it is one that a certificate can have."""
    try:
        return [_checked(socket.gethostname())]
    except errors.ParameterInvalid:
        return []


def _checked(name: str) -> str:
    """As certificates have it; raise `ParameterInvalid`."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        written = name.lower() if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        written = ""
    if len(written) > NAME_LENGTH_MAX or not _NAME.fullmatch(written):
        expected = "a name such as topcoat.example, or an IP address"
        raise errors.ParameterInvalid(parameter="--tls-name", found=f"'{shown(name)}'", expected=expected)
    return written


def _pem(issued: Issued) -> bytes:
    """Key first, as OpenSSL takes them from one file."""
    key = issued.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key + issued.certificate.public_bytes(serialization.Encoding.PEM)


def _parse(pem: bytes) -> Issued:
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("not a key that was made here")
    return Issued(x509.load_pem_x509_certificate(pem), key)


def _write(file: Path, content: bytes, mode: int) -> None:
    """All of it or nothing, and never readable by others on the way."""
    new = file.with_suffix(".new")
    try:
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as opened:  # noqa: PTH123 - with mode
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(file)
    except OSError as error:
        raise _unusable(file, error.strerror or type(error).__name__) from None


def _unusable(place: Path, reason: str) -> errors.CertificateUnusable:
    return errors.CertificateUnusable(file=place, reason=reason)
