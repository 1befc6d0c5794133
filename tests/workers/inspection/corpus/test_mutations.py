"""Good files with bytes changed, removed, repeated and cut off: each has a verdict, and leaves nothing behind."""

import asyncio
import random
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airlock.verdict import Outcome
from tests.workers.inspection.corpus.good import GOOD
from tests.workers.inspection.corpus.sample_inspector import Sample, sample_inspector
from tests.workers.inspection.sandbox.test_sandbox import servers

ROUNDS = 4
TIMEOUT = 60


def mutated(body: bytes, seed: int) -> bytes:
    """The body after one to four accidents."""
    random_numbers = random.Random(seed)
    changed = bytearray(body)
    for _ in range(random_numbers.randint(1, 4)):
        at = random_numbers.randrange(len(changed) + 1)
        length = random_numbers.choice((1, 2, 4, 40, 400))
        match random_numbers.randrange(5):
            case 0:
                changed[at : at + length] = random_numbers.randbytes(length)
            case 1:
                del changed[at : at + length]
            case 2:
                changed[at:at] = changed[max(0, at - length) : at]
            case 3:
                changed[at : at + 4] = random_numbers.choice((b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff"))
            case _:
                del changed[max(1, len(changed) - length) :]
    return bytes(changed) or b"\0"


async def _verdicts(spool: Path, samples: list[Sample]) -> set[Outcome]:
    """The outcomes of all samples, inspected at once; closing the inspector leaves no file and no child."""
    before = _open_files()
    async with sample_inspector(spool, None) as inspector, asyncio.timeout(TIMEOUT):
        verdicts = await asyncio.gather(*(inspector.inspect(sample, size=len(sample.body)) for sample in samples))
    assert servers() == []
    assert list(spool.iterdir()) == []
    assert _open_files() <= before
    return {verdict.outcome for verdict in verdicts}


def _open_files() -> int:
    """Copies, sockets of children and the like."""
    links = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return sum("memfd" in link or "deleted" in link or "socket" in link for link in links)


@pytest.mark.slow
@pytest.mark.long
@settings(max_examples=ROUNDS)
@given(st.integers(0, 2**32))
@example(0)
def test_a_mutated_good_file_has_a_verdict_and_leaves_nothing(spool: Path, seed: int) -> None:
    samples = [
        Sample(sample.filename, sample.content_type, mutated(sample.body, seed + number))
        for sample in GOOD.values()
        for number in range(4)
    ]
    outcomes = asyncio.run(_verdicts(spool, samples))
    assert Outcome.REJECTED in outcomes
    assert Outcome.INFECTED not in outcomes
