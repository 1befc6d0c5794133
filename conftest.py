"""What every test run shares: the mark `server`, and Hypothesis without a deadline."""

import os
from collections.abc import Generator
from contextlib import nullcontext

import pytest
from hypothesis import settings

from tests.coverage_pause import coverage_paused

pytest_plugins = ["tests.log_search"]

# Before anything imports onnxruntime, which reports to its vendor otherwise.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

SERVERS = {"airlock_dev", "aws_settings", "browser", "ceph", "clamd", "emulator", "moto"}
"""Fixtures that start a server or a browser: a test that asks for one of them, or for what needs one, is marked."""

# A deadline would measure how busy the machine is.
settings.register_profile("full", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.register_profile("quick", settings.get_profile("full"), max_examples=20)
settings.load_profile("full")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Pause the coverage of this process for a test that is marked so."""
    with coverage_paused() if item.get_closest_marker("without_coverage") else nullcontext():
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.server)
