"""Certificates of the local CA, judged by Python's own TLS in its strictest mode."""

import ssl
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from topcoat.cli import local_ca
from topcoat.core import errors

NOW = datetime.now(UTC)


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    return tmp_path / "ca" / "ca.pem"


def shake_hands(ca_file: Path, served: Path, name: str) -> None:
    """A whole handshake in memory; raise `SSLCertVerificationError`."""
    trusting = ssl.create_default_context(cafile=str(ca_file))
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(served)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(down, up, server_hostname=name)
    server = serving.wrap_bio(up, down, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ((), "localhost"),
        ((), "127.0.0.1"),
        ((), "::1"),
        (("Topcoat.Example",), "topcoat.example"),
        (("*.topcoat.example",), "crm.topcoat.example"),
        (("192.0.2.7",), "192.0.2.7"),
        (("bücher.example",), "bücher.example"),
    ],
)
def test_a_strict_client_that_trusts_the_authority_believes_the_server(
    ca_file: Path, given: tuple[str, ...], asked: str
) -> None:
    served = local_ca.provide_server_certificate(ca_file, given, NOW)

    shake_hands(ca_file, served, asked)


def test_another_name_and_another_authority_are_not_believed(ca_file: Path, tmp_path: Path) -> None:
    served = local_ca.provide_server_certificate(ca_file, (), NOW)
    other = tmp_path / "other" / "ca.pem"
    local_ca.provide_authority(other, NOW)

    for trusted, name in ((ca_file, "topcoat.example"), (other, "localhost")):
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(trusted, served, name)


def test_keys_are_for_their_owner_alone_and_the_certificate_for_everybody(ca_file: Path) -> None:
    served = local_ca.provide_server_certificate(ca_file, (), NOW)

    secret = [served, ca_file.parent / "authority.pem"]
    assert [stat.S_IMODE(file.stat().st_mode) for file in secret] == [0o600, 0o600]
    assert b"PRIVATE" not in ca_file.read_bytes()
    assert list(ca_file.parent.glob("*.new")) == []


def test_of_many_that_begin_at_once_all_have_the_same(ca_file: Path) -> None:
    def begin(_: int) -> tuple[bytes, bytes]:
        return local_ca.provide_server_certificate(ca_file, (), NOW).read_bytes(), ca_file.read_bytes()

    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(begin, range(8)))

    assert len(made) == 1


def test_a_certificate_is_kept_and_made_anew_before_it_ends(ca_file: Path) -> None:
    def provide(after: timedelta) -> tuple[bytes, bytes]:
        return local_ca.provide_server_certificate(ca_file, (), NOW + after).read_bytes(), ca_file.read_bytes()

    first, kept = provide(timedelta(0)), provide(timedelta(days=366))
    renewed = provide(timedelta(days=367))
    with_a_new_authority = provide(local_ca.AUTHORITY_LIFETIME - timedelta(days=396))

    assert kept == first
    assert (renewed[0] != first[0], renewed[1]) == (True, first[1])
    assert with_a_new_authority[0] != renewed[0]
    assert with_a_new_authority[1] != first[1]


def test_other_names_have_a_certificate_of_their_own(ca_file: Path) -> None:
    usual, more = (local_ca.provide_server_certificate(ca_file, names, NOW) for names in ((), ("topcoat.example",)))

    assert local_ca.provide_server_certificate(ca_file, ("LOCALHOST", "::0:1"), NOW) == usual
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(ca_file, usual, "topcoat.example")
    shake_hands(ca_file, more, "topcoat.example")


def test_what_was_lost_comes_again_and_what_clients_trust_is_not_replaced(ca_file: Path) -> None:
    served = local_ca.provide_server_certificate(ca_file, (), NOW)
    public = ca_file.read_bytes()
    served.write_text("damaged")
    ca_file.unlink()

    shake_hands_after = local_ca.provide_server_certificate(ca_file, (), NOW)
    restored = ca_file.read_bytes()
    shake_hands(ca_file, shake_hands_after, "localhost")
    (ca_file.parent / "authority.pem").write_text("damaged")
    with pytest.raises(errors.CertificateUnusable, match=r"authority\.pem .* damaged; delete it"):
        local_ca.provide_authority(ca_file, NOW)

    assert restored == public


@pytest.mark.parametrize(
    "name", ["", "a b", "-a.example", "a..example", "a" * 64, "https://a.example", "a,b", "*", "…"]
)
def test_a_name_that_is_none_is_refused(ca_file: Path, name: str) -> None:
    with pytest.raises(errors.ParameterInvalid, match=r"--tls-name is '.*'; expected a name"):
        local_ca.provide_server_certificate(ca_file, (name,), NOW)


def test_too_many_names_are_refused(ca_file: Path) -> None:
    with pytest.raises(errors.ParameterInvalid, match="at most 100 names"):
        local_ca.provide_server_certificate(ca_file, (f"n{n}.example" for n in range(101)), NOW)


def test_a_home_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(errors.CertificateUnusable, match=r"cannot be used for https: .+\."):
        local_ca.provide_authority(tmp_path / "file" / "ca.pem", NOW)
