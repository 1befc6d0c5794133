"""Nothing is lost, doubled or mistaken, whatever fails: a short run; `make soak` is a long one."""

import os
import secrets
from pathlib import Path

import pytest

from ops.dev.emulator import Emulator
from tests.chaos.run import Run

UPLOADS = 200
PATIENCE = 240.0


@pytest.mark.timeout(PATIENCE + 120)
async def test_every_upload_ends_in_its_right_verdict_whatever_fails(emulator: Emulator, tmp_path: Path) -> None:
    """Two workers, killed and drained; a clamd that restarts; a network that breaks requests; lost notifications."""
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(10**6))
    uploads = int(os.environ.get("CHAOS_UPLOADS") or UPLOADS)
    report = await Run(emulator, tmp_path, seed, uploads, workers=2, patience=PATIENCE)()
    assert not report.problems, str(report)
