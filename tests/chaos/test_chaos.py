"""Nothing is lost, repeated or decided wrongly, whatever fails: a short run; `make soak` makes a long one."""

import os
import secrets
from pathlib import Path

import pytest

from ops.dev.emulator import Emulator
from tests.chaos.run import Run

UPLOADS = 100
TIMEOUT_SECONDS = 240.0


@pytest.mark.long
@pytest.mark.timeout(TIMEOUT_SECONDS + 120)
async def test_every_upload_ends_in_its_planned_state_whatever_fails(emulator: Emulator, tmp_path: Path) -> None:
    """Workers are killed and drained, clamd restarts, requests fail, and notifications are lost."""
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(10**6))
    uploads = int(os.environ.get("CHAOS_UPLOADS") or UPLOADS)
    report = await Run(emulator, tmp_path, seed, uploads, workers=2, timeout=TIMEOUT_SECONDS)()
    assert not report.problems, str(report)
