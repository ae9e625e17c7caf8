"""Which port has https, and by which certificate."""

import contextlib
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from topcoat.cli import local_ca, tls
from topcoat.core import errors
from topcoat.settings import Settings


@pytest.fixture
def own(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate and its key in files of their own."""
    file = local_ca.provide_server_certificate(tmp_path / "own" / "ca.pem", (), datetime.now(UTC))
    key, _, rest = file.read_text().partition("-----BEGIN CERTIFICATE")
    certificate_file, key_file = tmp_path / "own.pem", tmp_path / "own.key"
    certificate_file.write_text(f"-----BEGIN CERTIFICATE{rest}")
    key_file.write_text(key)
    return certificate_file, key_file


@pytest.fixture
def busy() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_without_tls_there_is_no_second_port() -> None:
    assert tls.listen(Settings()) is None


def test_the_default_port_in_use_is_a_warning_and_no_https(capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # it may be in use already
            stack.enter_context(socket.create_server(("127.0.0.1", tls.DEFAULT_PORT)))

        assert tls.listen(Settings(tls=True)) is None
        assert "warning: no https, for port 8343 cannot be listened on" in capsys.readouterr().err


def test_a_named_port_in_use_is_a_failure(busy: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        tls.listen(Settings(tls=True, tls_port=busy))

    assert exited.value.code == 1
    assert capsys.readouterr().err.startswith(f"topcoat: cannot listen on 127.0.0.1 port {busy}: ")


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"tls_port": 8343}, "--tls-port is given without --tls"),
        ({"tls_name": "a.example"}, "--tls-name is given without --tls"),
        ({"tls": True, "tls_cert": "a.pem"}, "--tls-cert and --tls-key is not both given"),
        ({"tls": True, "tls_cert": "a.pem", "tls_key": "a.key", "tls_name": "a.example"}, "beside --tls-cert"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(errors.ParameterInvalid, match=fault):
        tls.refuse_unclear(Settings(**options))


def test_a_certificate_of_ones_own_is_used_and_no_authority_made(own: tuple[Path, Path], tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", tls=True, tls_cert=own[0], tls_key=own[1])

    tls.refuse_unclear(settings)
    files = tls.certificate_files(settings)

    assert (files.certificate, files.key) == own
    assert not settings.ca_file.exists()


def test_a_certificate_that_cannot_be_used_is_told_in_a_sentence(own: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = own
    other = local_ca.provide_server_certificate(tmp_path / "other" / "ca.pem", (), datetime.now(UTC))
    garbage, locked = tmp_path / "garbage.pem", tmp_path / "locked.key"
    garbage.write_bytes(os.urandom(64))
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"secret")
    locked.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))

    for pair, fault in [
        ((tmp_path / "none.pem", key), r"none\.pem cannot be used for https: No such file"),
        ((certificate, tmp_path), "cannot be used for https: Is a directory"),
        ((garbage, key), r"garbage\.pem cannot be used for https: expected a certificate and its key, in PEM"),
        ((certificate, other), "the key is not the certificate's"),
        ((certificate, locked), r"locked\.key cannot be used for https: the key is locked by a passphrase"),
    ]:
        with pytest.raises(errors.CertificateUnusable, match=fault):
            tls.certificate_files(Settings(home=tmp_path, tls=True, tls_cert=pair[0], tls_key=pair[1]))
