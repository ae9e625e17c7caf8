"""What clients of the emulator need to know."""

import json
import shlex

from topcoat.core import roles, subscription_keys
from topcoat.sample import INSTANCE_ID


def client_environment(host: str, port: int, output: str) -> str:
    """Addresses, keys and tokens as shell exports or as JSON."""
    root = f"http://{host}:{port}"
    values = {
        "TOPCOAT_URL": root,
        "TOPCOAT_API_URL": f"{root}/api",
        "TOPCOAT_CLIENT_BASE_URL": f"{root}/v1",
        "TOPCOAT_INSTANCE_ID": INSTANCE_ID,
        "TOPCOAT_PRIMARY_KEY": subscription_keys.WELL_KNOWN[0],
        "TOPCOAT_SECONDARY_KEY": subscription_keys.WELL_KNOWN[1],
    } | {f"TOPCOAT_{role.name}_TOKEN": token for token, role in roles.TOKENS.items()}
    if output == "json":
        return json.dumps(values, indent=2)
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())
