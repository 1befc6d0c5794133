import asyncio
import io
import json
import os
from pathlib import Path

import pytest
import yara_x

from airlock.errors import Unavailable
from airlock.verdict import Outcome
from tests.workers.harness import EICAR
from tests.workers.inspection.subjects import codes, scan, subject
from workers.inspection.yara import child as yara_child
from workers.inspection.yara.check import YaraCheck, YaraScan
from workers.inspection.yara.rule_set import RuleSet, compile_rules

# Backtracks over every pair of positions.
SLOW = "rule slow { condition: for any i in (0..filesize): (for any j in (0..filesize): (uint8(i) + uint8(j) == 999)) }"


def _rules(folder: Path, source: str) -> RuleSet:
    (folder / "own.yar").write_text(source)
    return compile_rules(folder)


@pytest.mark.parametrize("inline", [1 << 20, 0])
async def test_eicar_is_infected_here_and_in_the_process(inline: int) -> None:
    check = YaraCheck(compile_rules(), inline=inline)
    infected = await scan(check, EICAR)
    clean = await scan(check, b"nothing")
    await check.close()
    assert [(finding.code, finding.outcome) for finding in infected.findings] == [("yara_match", Outcome.INFECTED)]
    assert "EICAR_test_file" in infected.findings[0].message
    assert clean.findings == ()
    assert clean.engine == infected.engine == check.engine


async def test_a_rule_can_reject(tmp_path: Path) -> None:
    check = YaraCheck(_rules(tmp_path, 'rule r { meta: outcome = "rejected" condition: filesize == 3 }'), inline=0)
    report = await scan(check, b"abc")
    await check.close()
    assert [finding.outcome for finding in report.findings] == [Outcome.REJECTED]


@pytest.mark.parametrize("at", [0, 30, 63, 64, 100, 127, 128, 500, 932])
async def test_a_match_across_the_edge_of_two_windows_is_found_once(at: int) -> None:
    scanning = YaraScan(YaraCheck(compile_rules()), window=256, overlap=80)
    body = bytearray(1000)
    body[at : at + len(EICAR)] = EICAR
    for start in range(0, 1000, 64):
        await scanning.feed(bytes(body[start : start + 64]))
    assert codes(await scanning.finish()) == ["yara_match"]


@pytest.mark.server  # it waits for a process of its own
async def test_a_scan_that_takes_too_long_is_unscannable_and_the_next_one_works(tmp_path: Path) -> None:
    for inline in (0, 1 << 20):
        check = YaraCheck(_rules(tmp_path, SLOW), seconds=1, inline=inline)
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


@pytest.mark.slow
async def test_a_process_that_is_killed_is_unavailable_and_started_again() -> None:
    check = YaraCheck(compile_rules(), inline=0)
    await scan(check, b"starts it")
    child = check._rules._process._child
    assert child is not None
    child.kill()
    await child.wait()
    with pytest.raises(Unavailable, match="the scanning process ended"):
        await scan(check, b"x" * 200_000)
    assert codes(await scan(check, EICAR)) == ["yara_match"]
    await check.close()


async def test_a_scan_that_is_cancelled_leaves_no_answer_for_the_next_one(tmp_path: Path) -> None:
    check = YaraCheck(_rules(tmp_path, SLOW), seconds=20, inline=0)
    scanning = asyncio.create_task(scan(check, bytes(60_000)))
    while check._rules._process._child is None:  # noqa: ASYNC110 # it is there some turns later
        await asyncio.sleep(0)
    scanning.cancel()
    await asyncio.gather(scanning, return_exceptions=True)
    assert codes(await scan(check, EICAR)) == ["yara_match"]
    await check.close()


async def test_the_process_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-for-children")
    check = YaraCheck(compile_rules(), inline=0)
    await scan(check, b"starts it")
    child = check._rules._process._child
    assert child is not None
    environment = Path(f"/proc/{child.pid}/environ").read_bytes()
    await check.close()
    assert b"not-for-children" not in environment


def test_the_child_answers_each_window_and_ends_with_its_input() -> None:
    rules = io.BytesIO()
    compile_rules().rules.serialize_into(rules)
    messages = [rules.getvalue(), EICAR, b"", b"clean"]
    source = io.BytesIO(b"".join(yara_child.LENGTH.pack(len(each)) + each for each in messages))
    target = io.BytesIO()
    yara_child.serve(source, target, 10)
    assert _answers(target.getvalue()) == [[["EICAR_test_file", "infected"]], [], []]


@pytest.mark.parametrize("start", [b"", b"\0\0", b"\0\0\0\x09short"])
def test_the_child_ends_where_its_input_breaks_off(start: bytes) -> None:
    target = io.BytesIO()
    yara_child.serve(io.BytesIO(start), target, 10)
    assert target.getvalue() == b""


@pytest.mark.slow
def test_the_child_reports_a_timeout(tmp_path: Path) -> None:
    scanner = yara_x.Scanner(_rules(tmp_path, SLOW).rules)
    scanner.set_timeout(1)
    assert yara_child._scan(scanner, bytes(60_000)) is None


def _answers(output: bytes) -> list[object]:
    answers = []
    while output:
        (length,) = yara_child.LENGTH.unpack_from(output)
        answers.append(json.loads(output[4 : 4 + length]))
        output = output[4 + length :]
    return answers


async def test_random_bytes_match_nothing() -> None:
    check = YaraCheck(compile_rules())
    assert check.begin(subject(1)) is not check.begin(subject(1))
    assert (await scan(check, os.urandom(10_000))).findings == ()
