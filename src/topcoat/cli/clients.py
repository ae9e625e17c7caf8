"""What clients of the emulator need to know."""

import json
import shlex
from pathlib import Path

from topcoat.cli import local_ca
from topcoat.clock import Clock
from topcoat.core import roles, sign_in, subscription_keys
from topcoat.sample import INSTANCE_ID
from topcoat.settings import Settings


def client_environment(settings: Settings, *, host: str, port: int, tls_port: int) -> dict[str, str]:
    """Addresses, keys, tokens and the local CA, which is made where it is missing: clients may be set up first."""
    named = f"[{host}]" if ":" in host else host
    http, https = f"http://{named}:{port}", f"https://{named}:{tls_port}"
    values = {
        "TOPCOAT_URL": http,
        "TOPCOAT_HTTPS_URL": https,
        "TOPCOAT_API_URL": f"{http}/api",
        "TOPCOAT_CLIENT_BASE_URL": f"{http}/v1",
        "TOPCOAT_INSTANCE_ID": INSTANCE_ID,
        "TOPCOAT_PRIMARY_KEY": subscription_keys.WELL_KNOWN[0],
        "TOPCOAT_SECONDARY_KEY": subscription_keys.WELL_KNOWN[1],
        "TOPCOAT_TENANT": sign_in.TENANT,
        "TOPCOAT_AUTHORITY": f"{https}/{sign_in.TENANT}",
        "TOPCOAT_CLIENT_SECRET": sign_in.CLIENT_SECRET,
    }
    for token, role in roles.TOKENS.items():
        values[f"TOPCOAT_{role.name}_TOKEN"] = values[f"TOPCOAT_{role.name}_CLIENT_ID"] = token
    return values if settings.tls_cert is not None else values | _trust(settings.ca_file)


def render(values: dict[str, str], output: str) -> str:
    """For a shell to evaluate, or as JSON."""
    if output == "json":
        return json.dumps(values, indent=2)
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())


def _trust(ca_file: Path) -> dict[str, str]:
    """By the variables of Python's requests, of OpenSSL, which Python's other clients ask, and of node."""
    local_ca.provide_authority(ca_file, Clock(is_adjustable=False).system_now())
    names = ("TOPCOAT_CA_FILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
    return {name: str(ca_file) for name in names}
