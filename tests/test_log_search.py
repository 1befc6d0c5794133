"""A run of the tests in which something secret is logged fails, and says during which test, and not what."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.test_architecture import ROOT

pytestmark = pytest.mark.server

POLICY = "eyJleHBpcmF0aW9uIjogIjIwMjYtMDEtMDFUMDA6MDA6MDBaIn0="
HEADER = """
import asyncio, logging, os, sys
from pydantic import SecretStr
log = logging.getLogger("service.tried")

async def child(program, **environment):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service", cwd=os.path.dirname(__file__),
        env={**os.environ, "PYTHONPATH": os.path.dirname(__file__), "PROGRAM": program, **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    await process.communicate()

async def test_of_many():
    log.info("nothing to see", extra={"bytes": 5})
"""

SENDING = """
    import aiohttp
    async with aiohttp.ClientSession() as http:
        try:
            await http.get("http://127.0.0.1:1", headers={"authorization": "bearer token-of-the-shop"})
        except aiohttp.ClientConnectionError:
            log.info("token-of-the-shop")
"""


def run(folder: Path, *tests: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run tests under the plugin; their `child` runs a program as if it were the service."""
    (folder / "service.py").write_text("import os\nexec(os.environ['PROGRAM'])\n")
    written = [f"async def test_that_logs_{number}():\n    {test}\n" for number, test in enumerate(tests)]
    (folder / "test_tried.py").write_text("\n".join([HEADER, *written]))
    (folder / "conftest.py").write_text('pytest_plugins = ["tests.log_search"]\n')
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", *options]
    return subprocess.run(
        [*command, "test_tried.py"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


CASES = [
    (f'log.info("made", extra={{"form": "{POLICY}"}})', "a policy", POLICY),
    (f'logging.getLogger("somebody").error("no: %s", "{POLICY}")', "a policy", POLICY),
    ('log.warning("x-amz-signature=" + "0af1" * 16)', "a signature", "0af1"),
    ('log.warning("GET /?X-Amz-Signature=" + "0af1" * 16)', "a signature", "0af1"),
    ('log.info(str({"Authorization": "Bearer of-the-shop"}))', "an Authorization header", "of-the-shop"),
    ('log.info("eyJhbGciOiJub25lIn0.eyJzdWIiOiJzaG9wIn0.c2ln")', "a JWT", "c2ln"),
    ('log.info("airlock_session_AAAAAAAAAAAA")', "a session token", "AAAAAAAA"),
    ('SecretStr("kept-from-sight-12"); log.info("kept-from-sight-12")', "a secret of the settings", "kept-from"),
    ("""await child("print('x' * 99); print('kept-key-of-amazon')", AWS_SECRET_ACCESS_KEY="kept-key-of-amazon")""",
     "an AWS secret key", "kept-key"),
    (SENDING, "a bearer token", "of-the-shop"),
    (f"""await child("import sys; sys.stderr.write('{POLICY}')")""", "a policy", POLICY),
]  # fmt: skip


def test_what_is_secret_in_a_log_fails_the_run(tmp_path: Path) -> None:
    done = run(tmp_path, *(test for test, _, _ in CASES))
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{len(CASES) + 1} passed" in done.stdout
    for number, (test, kind, secret) in enumerate(CASES):
        assert f"FAILED {kind} was logged during test_tried.py::test_that_logs_{number}\n" in done.stdout, test
        assert secret not in done.stdout
    assert done.stdout.count("FAILED") == len(CASES)


def test_each_process_of_a_run_is_searched(tmp_path: Path) -> None:
    done = run(tmp_path, f'log.info("{POLICY}")', options=("-n", "2"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED a policy was logged during test_tried.py::test_that_logs_0" in done.stdout


def test_a_run_that_logs_nothing_secret_says_how_much_was_searched(tmp_path: Path) -> None:
    done = run(tmp_path, """await child("print('the first line'); print('the second line')")""")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "searched 3 lines (" in done.stdout
    assert "nothing found" in done.stdout
