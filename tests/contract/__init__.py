import pytest

# So that what they assert is explained like what a test asserts.
pytest.register_assert_rewrite("tests.contract.stories", "tests.contract.stage", "tests.contract.telling")
