"""What every test run shares: the `stack` mark, and Hypothesis without a clock."""

import os

import pytest
from hypothesis import settings

PROCESSES = {"stack", "deployment", "clamd", "browser", "page"}
"""Fixtures that start another process: a test that asks for one of them is a `stack` test."""

settings.register_profile("airlock", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.load_profile("airlock")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if PROCESSES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.stack)
