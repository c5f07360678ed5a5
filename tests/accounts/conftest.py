import pytest


@pytest.fixture(autouse=True)
def quick_passwords() -> None:
    """Not here: these tests are about passwords at their real cost."""
