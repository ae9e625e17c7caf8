"""Every operation of the contract, through the vendor's published client, on one service."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests.contract import compatibility, contract, environments, telling
from tests.contract.conftest import shared_by_workers
from tests.contract.installation import Installation
from tests.contract.stage import Stage, open_stage
from tests.contract.telling import Told

OPERATIONS_IN_ALL = 60


@pytest.fixture(scope="module")
def kind() -> str:
    """One is enough: what differs by database is not seen from so far out."""
    return "sqlite"


@pytest.fixture(scope="module")
def stage(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with open_stage(installation, environments.python_of_clients(shared_by_workers(tmp_path_factory))) as opened:
        yield opened


@pytest.fixture(scope="module")
def tell(stage: Stage) -> Callable[[str], Told]:
    """Each story is told once."""
    return cache(lambda operation_id: telling.tell(stage, contract.OPERATIONS[operation_id]))


def test_every_operation_of_the_contract_has_its_story() -> None:
    stories = telling.collect()

    assert len(contract.OPERATIONS) == OPERATIONS_IN_ALL
    assert stories.keys() == contract.OPERATIONS.keys()


@pytest.mark.parametrize("operation_id", contract.OPERATIONS)
def test_an_operation_is_as_its_contract_and_its_story_say(tell: Callable[[str], Told], operation_id: str) -> None:
    assert tell(operation_id).statuses


def test_the_compatibility_page_says_what_the_stories_showed(tell: Callable[[str], Told]) -> None:
    page = compatibility.render([tell(operation_id) for operation_id in contract.OPERATIONS])

    assert compatibility.PAGE.read_text() == page, f"renew it: {compatibility.RENEWAL}"
