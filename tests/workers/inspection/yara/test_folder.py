"""The operator's folder of rules: its files change, and objects are scanned with the rules that it then has."""

import asyncio
import io
import logging
from pathlib import Path

import pytest

from airlock.errors import Unavailable
from airlock.verdict import Outcome
from tests.workers.inspection.subjects import codes, scan, subject
from workers.inspection.yara import compiler as yara_compiler
from workers.inspection.yara.check import YaraCheck
from workers.inspection.yara.folder import SECONDS
from workers.inspection.yara.rule_set import BadRules, compile_rules

ONE = 'rule one { strings: $a = "first word" condition: $a }'
TWO = 'rule two { meta: outcome = "rejected" strings: $a = "second word" condition: $a }'
BROKEN = "rule broken {\n condition:\n  $nowhere }"


class ControlledSleep:
    """A `sleep` that the test ends: `passed` ends it, and returns when the poll after it has ended."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self._asleep = asyncio.Event()
        self._go = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        self._asleep.set()
        await self._go.wait()
        self._go.clear()

    async def passed(self, times: int = 1) -> None:
        for _ in range(times):
            await self._asleep.wait()
            self._asleep.clear()
            self._go.set()
        await self._asleep.wait()


@pytest.fixture
def controlled_sleep() -> ControlledSleep:
    return ControlledSleep()


def _check(folder: Path, controlled_sleep: ControlledSleep) -> YaraCheck:
    return YaraCheck(compile_rules(folder), sleep=controlled_sleep.sleep)


@pytest.mark.slow
async def test_a_rule_that_is_added_or_removed_is_soon_in_force_and_in_the_engine_s_version(
    tmp_path: Path, controlled_sleep: ControlledSleep
) -> None:
    (tmp_path / "one.yar").write_text(ONE)
    check = _check(tmp_path, controlled_sleep)
    before = await scan(check, b"second word")
    (tmp_path / "two.yar").write_text(TWO)
    await controlled_sleep.passed(2)
    added = await scan(check, b"second word, first word")
    (tmp_path / "one.yar").unlink()
    await controlled_sleep.passed(2)
    taken = await scan(check, b"second word, first word")
    ready = await check.ready()
    await check.close()
    assert [codes(each) for each in (before, added, taken)] == [[], ["yara_match"] * 2, ["yara_match"]]
    assert taken.findings[0].outcome is Outcome.REJECTED
    assert len({each.engine.version for each in (before, added, taken) if each.engine}) == 3
    assert taken.engine == ready == compile_rules(tmp_path).engine
    assert set(controlled_sleep.asked) == {SECONDS}


@pytest.mark.slow
async def test_a_bad_file_is_refused_once_with_its_line_and_the_old_rules_go_on(
    tmp_path: Path, controlled_sleep: ControlledSleep, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "one.yar").write_text(ONE)
    check = _check(tmp_path, controlled_sleep)
    engine = await check.ready()
    (tmp_path / "bad.yar").write_text(BROKEN)
    await controlled_sleep.passed(4)
    meanwhile = await scan(check, b"first word")
    (error,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    (tmp_path / "bad.yar").write_text(TWO)
    await controlled_sleep.passed(2)
    mended = await scan(check, b"second word")
    await check.close()
    assert "do not compile, the old rules stay in use" in error.getMessage()
    assert f"{tmp_path}/bad.yar:3:" in error.getMessage()
    assert (codes(meanwhile), meanwhile.engine) == (["yara_match"], engine)
    assert (codes(mended), mended.engine != engine) == (["yara_match"], True)


async def test_half_of_a_change_is_not_compiled(tmp_path: Path, controlled_sleep: ControlledSleep) -> None:
    check = _check(tmp_path, controlled_sleep)
    before = await check.ready()
    (tmp_path / "one.yar").write_text(ONE)
    await controlled_sleep.passed()
    (tmp_path / "two.yar").write_text(TWO)
    await controlled_sleep.passed()
    between = await check.ready()
    await controlled_sleep.passed()
    after = await check.ready()
    await check.close()
    assert before == between != after


async def test_when_the_folder_is_gone_the_rules_stay_in_use(
    tmp_path: Path, controlled_sleep: ControlledSleep, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "one.yar").write_text(ONE)
    check = _check(folder, controlled_sleep)
    await check.ready()
    folder.rename(tmp_path / "elsewhere")
    await controlled_sleep.passed(3)
    report = await scan(check, b"first word")
    await check.close()
    assert codes(report) == ["yara_match"]
    assert len([record for record in caplog.records if "cannot be read" in record.getMessage()]) == 1


@pytest.mark.slow
async def test_a_scan_that_has_begun_keeps_its_rules_and_then_their_process_ends(
    tmp_path: Path, controlled_sleep: ControlledSleep
) -> None:
    (tmp_path / "one.yar").write_text(ONE)
    check = _check(tmp_path, controlled_sleep)
    scanning = check.begin(subject(1))
    scanning._window = 10
    await scanning.feed(b"first word")
    await scanning.feed(b"x")
    old = check._rules
    assert scanning._process is not None
    child = scanning._process._child
    assert child is not None
    (tmp_path / "one.yar").write_text(TWO)
    await controlled_sleep.passed(2)
    report = await scanning.finish()
    alive = [child.alive]
    await scanning.close()
    assert [*alive, child.alive] == [True, False]
    assert check.engine != old.engine == report.engine
    assert codes(report) == ["yara_match"]
    await check.close()


async def test_without_a_folder_there_is_no_polling(controlled_sleep: ControlledSleep) -> None:
    check = YaraCheck(compile_rules(), sleep=controlled_sleep.sleep)
    await scan(check, b"x")
    await check.close()
    assert controlled_sleep.asked == []


async def test_after_a_compiler_died_the_folder_is_compiled_again(
    tmp_path: Path, controlled_sleep: ControlledSleep, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = _check(tmp_path, controlled_sleep)
    await check.ready()
    (tmp_path / "one.yar").write_text(ONE)
    with monkeypatch.context() as patched:
        patched.setattr("sys.executable", "/bin/false")
        await controlled_sleep.passed(2)
    assert [record for record in caplog.records if "could not be compiled now" in record.getMessage()]
    await controlled_sleep.passed()
    report = await scan(check, b"first word")
    await check.close()
    assert codes(report) == ["yara_match"]


async def test_a_compiler_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yara_compiler, "SECONDS", 0.0)
    with pytest.raises(Unavailable, match="did not compile within"):
        await yara_compiler.recompile(tmp_path)


@pytest.mark.slow
async def test_the_compiling_process_gives_the_same_rules(tmp_path: Path) -> None:
    (tmp_path / "one.yar").write_text(ONE)
    assert (await yara_compiler.recompile(tmp_path)).engine == compile_rules(tmp_path).engine
    (tmp_path / "one.yar").write_text(BROKEN)
    with pytest.raises(BadRules, match=r"one\.yar:3:"):
        await yara_compiler.recompile(tmp_path)


def test_the_compiling_process_writes_the_problems(tmp_path: Path) -> None:
    (tmp_path / "bad.yar").write_text(BROKEN)
    target = io.BytesIO()
    yara_compiler.write(tmp_path, target)
    assert b"bad.yar:3:" in target.getvalue()
