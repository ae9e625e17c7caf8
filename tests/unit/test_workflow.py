"""What becomes of jobs, in words."""

from topcoat.core import errors
from topcoat.core.workflow import Fault, Status


def test_only_waiting_and_running_are_not_the_end() -> None:
    assert {status for status in Status if not status.is_final} == {Status.QUEUED, Status.RUNNING}


def test_a_fault_tells_what_the_caller_can_do_something_about_and_hides_what_is_unexpected() -> None:
    assert Fault.of(errors.NothingToUndo()) == Fault("NothingToUndo", "There is no earlier generation to go back to.")
    assert not Fault.of(errors.StoreUnreachable(reason="gone")).is_callers
    assert "secret" not in Fault.of(ValueError("secret")).message
