"""What every test run shares: the mark `server`, and Hypothesis without a deadline."""

import os
from collections.abc import Generator
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from tests.coverage_pause import coverage_paused

pytest_plugins = ["tests.log_search"]

# Before anything imports onnxruntime, which reports to its vendor otherwise.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

SERVERS = {"airlock_dev", "aws_settings", "browser", "ceph", "clamd", "emulator", "moto"}
"""Fixtures that start a server or a browser: a test that asks for one of them, or for what needs one, is marked."""

LONGEST = ("tests/chaos/", "tests/web/", "tests/ops/reconcile/", "tests/ops/backfill/", "tests/ops/dev/")
ONE_SERVER = ("tests/web/", "tests/ops/test_upload.py", "tests/ops/test_canary.py")
"""Their browser and their `airlock dev` take ten seconds of CPU time to start."""

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
    # The longest first, so that no process of xdist begins one when the others have nothing left to do.
    items.sort(key=lambda item: (item.get_closest_marker("server") is None, not item.nodeid.startswith(LONGEST)))


class Scheduling(LoadFileScheduling):  # type: ignore[misc] # xdist has no types for it
    """The tests of a file run in one process, which has its fixtures. So do those that share an expensive server."""

    def _split_scope(self, nodeid: str) -> str:
        return "one server" if nodeid.startswith(ONE_SERVER) else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    """https://pytest-xdist.readthedocs.io/en/stable/distribution.html"""
    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None
