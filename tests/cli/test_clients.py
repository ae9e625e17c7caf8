"""What `topcoat env` says."""

import json
import subprocess
from pathlib import Path

from topcoat.cli import clients
from topcoat.settings import Settings


def test_a_shell_has_every_value_as_it_is_whatever_the_path(tmp_path: Path) -> None:
    home = tmp_path / "it's $(touch x) `here`;\n"
    values = clients.client_environment(Settings(home=home), host="127.0.0.1", port=8300, tls_port=8343)

    script = f"{clients.render(values, 'shell')}\nenv -0"
    ran = subprocess.run(["sh", "-eu"], input=script.encode(), capture_output=True, check=True, cwd=tmp_path)

    found = dict(line.split("=", 1) for line in ran.stdout.decode().split("\0") if line)
    assert found.items() >= values.items()
    assert json.loads(clients.render(values, "json")) == values
    assert sorted(path.name for path in tmp_path.iterdir()) == [home.name]


def test_clients_are_told_all_that_they_need(tmp_path: Path) -> None:
    values = clients.client_environment(Settings(home=tmp_path), host="::1", port=1, tls_port=2)

    assert (values["TOPCOAT_URL"], values["TOPCOAT_HTTPS_URL"]) == ("http://[::1]:1", "https://[::1]:2")
    assert (values["TOPCOAT_AUTHORITY"], values["TOPCOAT_TENANT"]) == ("https://[::1]:2/contoso", "contoso")
    assert values["TOPCOAT_OWNER_CLIENT_ID"] == values["TOPCOAT_OWNER_TOKEN"] == "topcoat-owner"
    assert values["TOPCOAT_CLIENT_SECRET"] == "topcoat-secret"
    trusted = {
        values[name] for name in ("TOPCOAT_CA_FILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
    }
    assert trusted == {str(tmp_path / "ca" / "ca.pem")}
    assert Path(values["TOPCOAT_CA_FILE"]).read_text().startswith("-----BEGIN CERTIFICATE")


def test_a_certificate_of_ones_own_needs_no_local_ca(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, tls=True, tls_cert=tmp_path / "a.pem", tls_key=tmp_path / "a.key")

    values = clients.client_environment(settings, host="127.0.0.1", port=1, tls_port=2)

    assert "SSL_CERT_FILE" not in values
    assert not settings.ca_file.exists()


def test_what_it_exports_changes_no_setting(tmp_path: Path) -> None:
    values = clients.client_environment(Settings(home=tmp_path), host="127.0.0.1", port=1, tls_port=2)

    assert values.keys().isdisjoint(f"TOPCOAT_{name.upper()}" for name in Settings.model_fields)
