import asyncio
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yara_x

from airlock.errors import Unavailable
from airlock.verdict import Outcome
from tests.workers.harness import EICAR
from tests.workers.inspection.subjects import codes, scan, subject
from workers.inspection.checks.port import Report
from workers.inspection.members import Members
from workers.inspection.sandbox.process import Child
from workers.inspection.spool import Spool
from workers.inspection.yara import child as yara_child
from workers.inspection.yara.check import YaraCheck, YaraScan
from workers.inspection.yara.rule_set import RuleSet, compile_rules

# Backtracks over every pair of positions.
SLOW = "rule slow { condition: for any i in (0..filesize): (for any j in (0..filesize): (uint8(i) + uint8(j) == 999)) }"


def _rules(folder: Path, source: str) -> RuleSet:
    (folder / "own.yar").write_text(source)
    return compile_rules(folder)


async def test_eicar_is_infected() -> None:
    check = YaraCheck(compile_rules())
    infected = await scan(check, EICAR)
    clean = await scan(check, b"nothing")
    await check.close()
    assert [(finding.code, finding.outcome) for finding in infected.findings] == [("yara_match", Outcome.INFECTED)]
    assert "EICAR_test_file" in infected.findings[0].message
    assert clean.findings == ()
    assert clean.engine == infected.engine == check.engine


async def test_a_rule_can_reject(tmp_path: Path) -> None:
    check = YaraCheck(_rules(tmp_path, 'rule r { meta: outcome = "rejected" condition: filesize == 3 }'))
    report = await scan(check, b"abc")
    await check.close()
    assert [finding.outcome for finding in report.findings] == [Outcome.REJECTED]


async def test_a_match_across_the_edge_of_two_windows_is_found_once() -> None:
    check = YaraCheck(compile_rules())
    for at in (0, 30, 63, 64, 100, 127, 128, 500, 932):
        scanning = YaraScan(check, None, window=256, overlap=80)
        body = bytearray(1000)
        body[at : at + len(EICAR)] = EICAR
        for start in range(0, 1000, 64):
            await scanning.feed(bytes(body[start : start + 64]))
        assert codes(await scanning.finish()) == ["yara_match"]
        await scanning.close()
    await check.close()


@pytest.mark.server  # it waits for a process of its own
async def test_a_scan_that_takes_too_long_is_unscannable_and_the_next_one_works(tmp_path: Path) -> None:
    check = YaraCheck(_rules(tmp_path, SLOW), seconds=1)
    late = await scan(check, bytes(60_000))
    in_time = await scan(check, b"abc")
    await check.close()
    assert [(finding.code, finding.outcome) for finding in late.findings] == [("timed_out", Outcome.UNSCANNABLE)]
    assert in_time.findings == ()


@pytest.mark.server  # it waits for a process of its own
async def test_the_loop_goes_on_while_a_large_window_is_scanned(tmp_path: Path) -> None:
    check = YaraCheck(_rules(tmp_path, SLOW), seconds=2)
    scanning = asyncio.create_task(scan(check, bytes(100_000)))
    turns = 0
    while not scanning.done():
        await asyncio.sleep(0.01)
        turns += 1
    await check.close()
    assert codes(await scanning) == ["timed_out"]
    assert turns > 20


@asynccontextmanager
async def _begun(check: YaraCheck) -> AsyncIterator[tuple[YaraScan, int]]:
    """A scan that has a child, and the child's process id."""
    scanning = YaraScan(check, None, window=10, overlap=0)
    await scanning.feed(b"first word")
    await scanning.feed(b"x")
    assert scanning._process is not None
    assert scanning._process._child is not None
    yield scanning, scanning._process._child.pid
    await scanning.close()
    await check.close()


async def test_a_process_that_is_killed_is_unavailable_and_started_again() -> None:
    check = YaraCheck(compile_rules())
    async with _begun(check) as (scanning, child):
        os.kill(child, signal.SIGKILL)
        with pytest.raises(Unavailable, match="the scanning process ended"):
            await scanning.feed(b"x" * 200_000)
        assert codes(await scan(check, EICAR)) == ["yara_match"]


async def test_a_scan_that_is_cancelled_leaves_no_answer_for_the_next_one(tmp_path: Path) -> None:
    check = YaraCheck(_rules(tmp_path, SLOW), seconds=20)
    await check.ready()
    scanning = asyncio.create_task(scan(check, bytes(60_000)))
    await asyncio.wait([scanning], timeout=0.1)
    scanning.cancel()
    await asyncio.gather(scanning, return_exceptions=True)
    assert codes(await scan(check, EICAR)) == ["yara_match"]
    await check.close()


async def test_the_child_is_confined_as_the_parsers_are_and_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-for-children")
    async with _begun(YaraCheck(compile_rules())) as (_, child):
        status = dict(line.split(":\t") for line in Path(f"/proc/{child}/status").read_text().splitlines())
        environment = Path(f"/proc/{child}/environ").read_bytes()
        open_files = len(list(Path(f"/proc/{child}/fd").iterdir()))
    assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1")
    assert {status[each] for each in ("CapEff", "CapPrm", "CapBnd")} == {"0" * 16}
    assert b"not-for-children" not in environment
    assert open_files == 3  # its socket, and two that lead nowhere


async def test_an_object_and_its_members_have_one_child_and_the_next_object_another() -> None:
    check = YaraCheck(compile_rules())
    used = []
    for _ in range(2):
        members = Members({}, run_checks, Spool)
        async with members.ending:
            for _ in range(2):
                scanning = YaraScan(check, members, window=10, overlap=0)
                await scanning.finish()
                await scanning.close()
                process = check.acquire(members)
                assert process._child is not None
                used.append(process._child.pid)
    await check.close()
    assert used[0] == used[1] != used[2] == used[3]


async def run_checks(*_: object) -> list[Report]:
    return []


@pytest.mark.parametrize("answer", [b"1", b"[]", b"{", b'["rule", "fine"]', b'[["rule"], "infected"]'])
async def test_an_answer_that_the_child_does_not_give_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    async def packet(_: Child) -> bytes:
        return answer

    check = YaraCheck(compile_rules())
    await check.ready()
    monkeypatch.setattr(Child, "packet", packet)
    with pytest.raises(Unavailable, match="no valid answer"):
        await scan(check, b"x")
    await check.close()


def test_the_child_answers_each_window_and_ends_with_its_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yara_child, "_made", [])
    rules = _file(b"")
    with os.fdopen(rules, "wb", closefd=False) as file:
        compile_rules().rules.serialize_into(file)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def run() -> None:  # a scanner belongs to the thread that made it
        yara_child.prepare([str(rules), "10"])
        yara_child.serve(theirs, ["landlock"])
        yara_child._made.clear()

    serving = threading.Thread(target=run)
    serving.start()
    with ours:
        assert ours.recv(100) == b'\x01["landlock"]'
        for window, answers in ((EICAR, [b'["EICAR_test_file", "infected"]', b"true"]), (b"", [b"true"])):
            descriptor = _file(window)
            socket.send_fds(ours, [b"w"], [descriptor])
            os.close(descriptor)
            assert [ours.recv(100) for _ in answers] == answers
    serving.join()
    theirs.close()
    os.close(rules)


def _file(data: bytes) -> int:
    descriptor = os.memfd_create("test")
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


@pytest.mark.slow
def test_the_child_reports_a_timeout(tmp_path: Path) -> None:
    scanner = yara_x.Scanner(_rules(tmp_path, SLOW).rules)
    scanner.set_timeout(1)
    assert yara_child.scanned(scanner, bytes(60_000)) == [None]


async def test_random_bytes_match_nothing() -> None:
    check = YaraCheck(compile_rules())
    assert check.begin(subject(1)) is not check.begin(subject(1))
    assert (await scan(check, os.urandom(10_000))).findings == ()
    await check.close()
