"""Every setting, error code and command is in docs/reference.md, and nothing else is."""

import re
from pathlib import Path

from topcoat import cli
from topcoat.settings import Settings
from topcoat.surfaces.customer_insights.problems import STATUSES

REFERENCE = (Path(__file__).parents[2] / "docs" / "reference.md").read_text()


def test_every_setting_is_documented_with_its_default() -> None:
    documented = dict(re.findall(r"^\| `TOPCOAT_(\w+)` \| (?:`([^`]*)`|none) \|", REFERENCE, re.MULTILINE))

    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    expected = {name.upper(): "" if d is None else str(getattr(d, "value", d)) for name, d in defaults.items()}
    assert documented == expected


def test_every_error_code_is_documented_with_its_status() -> None:
    documented = dict(re.findall(r"^\| `(\w+)` \| (\d{3}) \|", REFERENCE, re.MULTILINE))

    expected = {error.__name__: str(status) for error, status in STATUSES.items()}
    assert documented == expected | {"UnexpectedError": "500"}


def test_every_command_is_documented() -> None:
    documented = set(re.findall(r"^\| `topcoat (\w+)", REFERENCE, re.MULTILINE))

    commands = {
        command.name or command.callback.__name__ for command in cli.app.registered_commands if command.callback
    }
    groups = {group.name for group in cli.app.registered_groups}
    assert documented == commands | groups
