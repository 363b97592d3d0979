"""What holds for all tests. Standing in the root, it also makes ``tests`` importable however pytest is started."""

from pathlib import Path

import pytest

pytest_plugins = ["tests.requirements_plugin", "pytester"]

CHAOS = Path(__file__).parent / "tests" / "chaos"


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark of the tests that `make soak` repeats with more seeds and kills."""
    config.addinivalue_line("markers", "chaos: stops, kills and faults; given to everything below tests/chaos")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by their folder, so that none of them can forget it."""
    for item in items:
        if item.path.is_relative_to(CHAOS):
            item.add_marker(pytest.mark.chaos)
