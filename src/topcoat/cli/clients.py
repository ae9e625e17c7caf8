"""What clients of the emulator need to know."""

import json
import shlex

from topcoat.sample import INSTANCE_ID
from topcoat.surfaces.access import TOKENS, WELL_KNOWN_KEYS


def client_environment(host: str, port: int, output: str) -> str:
    """Addresses, keys and tokens as shell exports or as JSON."""
    root = f"http://{host}:{port}"
    values = {
        "TOPCOAT_URL": root,
        "TOPCOAT_API_URL": f"{root}/api",
        "TOPCOAT_CLIENT_BASE_URL": f"{root}/v1",
        "TOPCOAT_INSTANCE_ID": INSTANCE_ID,
        "TOPCOAT_PRIMARY_KEY": WELL_KNOWN_KEYS[0],
        "TOPCOAT_SECONDARY_KEY": WELL_KNOWN_KEYS[1],
    } | {f"TOPCOAT_{role.name}_TOKEN": token for token, role in TOKENS.items()}
    if output == "json":
        return json.dumps(values, indent=2)
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())
