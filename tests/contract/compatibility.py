"""The page docs/compatibility.md, from what the stories showed: `python -m tests.contract.compatibility` renews it."""

import sys
import tempfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from tests.contract import contract, environments, telling
from tests.contract.installation import PROJECT, SAMPLE_SIZE, Installation
from tests.contract.stage import open_stage
from tests.contract.telling import Told

PAGE: Final = PROJECT / "docs" / "compatibility.md"
RENEWAL: Final = "python -m tests.contract.compatibility"

_HEAD: Final = f"""\
# Compatibility

<!-- Made by the tests; `{RENEWAL}` renews it. -->

Each operation of the vendor's contract, called through the vendor's published client, `customerinsights` 1.0.8. A test
tells a story around each of them: it arranges a state, calls the operation, looks at what became of it and causes the
statuses that a caller can cause. Requests and answers are held against the vendor's schemas on the way.

**full**: all of the contract. **differs**: the same, except for what is said; *always empty* are fields of the answer
that are declared, and null or empty here. Answers are the statuses that were caused; 500 and 503 are left out, and any
other that is declared and not caused has its reason.

Stories are in `tests/contract/stories`; `tests/contract/test_operations.py` has them told.
"""
_TITLES: Final = {
    "": "Instances",
    "V2": "Instances",
    "copy": "Instances",
    "reset": "Instances",
    "data": "Records",
    "entities": "Tables",
    "datasources": "Data sources",
    "workflows": "Workflows",
    "segments": "Segments",
    "measures": "Measures",
    "relationships": "Relationships",
    "systemrelationships": "Relationships",
    "hierarchies": "Hierarchies",
    "rbac": "Roles",
    "search": "Search configuration",
    "profile": "Profiles",
    "profilestore": "Profile store",
    "dataprofile": "Data profiles",
}
_COLUMNS: Final = ("operation", "call", "state", "answers", "story")


def render(all_told: Sequence[Told]) -> str:
    order = list(dict.fromkeys(_TITLES.values()))
    by_title = sorted(all_told, key=lambda told: order.index(_title(told.operation)))
    tables = (
        f"\n## {title}\n\n{_table(list(told))}" for title, told in groupby(by_title, lambda t: _title(t.operation))
    )
    return _HEAD + "".join(tables)


def _title(operation: contract.Operation) -> str:
    path = operation.path.removeprefix("/instances").removeprefix("/{instanceId}").removeprefix("/manage")
    return _TITLES[path.strip("/").split("/")[0]]


def _table(all_told: Sequence[Told]) -> str:
    rows = [_COLUMNS, tuple("---" for _ in _COLUMNS), *map(_row, all_told)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(told: Told) -> tuple[str, ...]:
    operation = told.operation
    call = f"{operation.method} `{operation.path.replace('/instances/{instanceId}', '…')}`"
    return operation.id, call, _state(told), _answers(told), f"`{told.story.place}`"


def _state(told: Told) -> str:
    differences = [told.story.differs] if told.story.differs else []
    if told.unfilled:
        differences.append(f"always empty: {', '.join(f'`{name}`' for name in told.unfilled)}")
    return f"differs: {'; '.join(differences)}" if differences else "full"


def _answers(told: Told) -> str:
    caused = [str(status) for status in sorted(told.statuses)]
    uncaused = told.story.uncaused.items()
    reasons = [f"no {status}: {reason}" for status, reason in uncaused if status not in told.statuses]
    return ", ".join((*caused, *reasons))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        installation = Installation(home, f"sqlite:///{home / 'topcoat.db'}")
        installation.publish_sample(SAMPLE_SIZE)
        try:
            with open_stage(installation, environments.python_of_clients(home)) as stage:
                PAGE.write_text(render([telling.tell(stage, operation) for operation in contract.OPERATIONS.values()]))
        finally:
            installation.stop()
    sys.stdout.write(f"{PAGE}\n")


if __name__ == "__main__":
    main()
