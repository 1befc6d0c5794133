"""A child that was taken over reaches nothing, as root and as another user, and where the filter is all there is."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workers.inspection.sandbox.attacks import ATTEMPTS, surroundings

pytest.importorskip("pyseccomp")
pytestmark = pytest.mark.server

ROOT, NOBODY = 0, 65534
USERS = (ROOT, NOBODY) if os.geteuid() == 0 else (0,)
# Without an empty root folder, a path can be asked for its size and age. Nothing of it can be opened.
LOOKS = {"look_through_an_empty_path"}
# What no other layer refuses where a container allows no empty root folder.
BY_PATH = {"look", "clamd"}
# What a filter refuses, and nothing else does: it stays within the child's namespaces, and ends with the fork server.
WITHIN = {
    *("memory_file", "netlink", "vsock", "socketpair", "shared_memory", "semaphores", "messages", "posix_messages"),
    *("fork", "clone3", "limit_of_its_own", "trace_itself", "code", "terminal", "alarm", "rings", "notify"),
    *("notify_all", "personality", "keys", "faults", "events", "bpf", "namespaces", "clone_into_a_namespace"),
    # Of the child's own user: Landlock refuses signals and tracing alone.
    *("renice", "pin", "limit", "become", "kill", "kill_all", "kill_by_descriptor", "look_through_an_empty_path"),
}


def _attack(user: int, layers: str, what: str) -> set[str]:
    command = [sys.executable, "-m", "tests.workers.inspection.sandbox.attackers", str(user), layers, what]
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return set(json.loads(done.stdout))


@functools.cache
def _has_empty_root(user: int) -> bool:
    return "empty root" not in _attack(user, "filter landlock namespaces", "missing")


@pytest.mark.parametrize("user", USERS)
def test_a_confined_process_reaches_nothing(user: int) -> None:
    with surroundings(Path("/tmp")) as at:
        reached = _attack(user, "filter landlock namespaces", json.dumps(at))
    assert reached <= (set() if _has_empty_root(user) else LOOKS)


@pytest.mark.parametrize("user", USERS)
def test_the_filter_alone_refuses_every_attempt(user: int) -> None:
    with surroundings(Path("/tmp")) as at:
        assert _attack(user, "filter", json.dumps(at)) <= LOOKS


@pytest.mark.parametrize("user", USERS)
def test_without_a_filter_the_network_files_and_the_worker_s_memory_stay_out_of_reach(user: int) -> None:
    with surroundings(Path("/tmp")) as at:
        reached = _attack(user, "landlock namespaces", json.dumps(at))
    assert reached <= WITHIN | (set() if _has_empty_root(user) else BY_PATH) <= set(ATTEMPTS)


@pytest.mark.slow
@pytest.mark.parametrize("user", USERS)
def test_every_system_call_that_is_on_no_list_ends_the_process(user: int) -> None:
    # uretprobe and uprobe of x86-64, which the kernel never shows a filter. They do nothing where no probe is set.
    assert _attack(user, "filter", "numbers") <= {"335 ", "336 "}
