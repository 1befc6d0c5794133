"""Every response conforms to the API's document: schemathesis sends valid and invalid requests."""

import asyncio
import os
import re
import sys
from collections import Counter
from pathlib import Path

import orjson
import pytest

from airlock.profiles import Profiles
from aws.dynamodb.records import Record
from tests.deployment import ROOT, unmeasured
from tests.service.fakes import FakeClock, FakeRecords
from tests.service.harness import TOKENS, ServiceHarness, settings
from tests.service.uploads.test_handlers import accepted

pytestmark = pytest.mark.server

CASES = int(os.environ.get("API_CASES", "25"))
"""Test cases for each operation, in each phase that generates data."""

CONFIGURATION = """
hooks = "tests.service.schema_hooks"

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "415", "429"]

# Which types and sizes the profiles accept is not in the document.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "400", "401", "403", "404", "409", "413", "415", "429"]

# A withdrawn upload stays visible to its owner, as withdrawn.
[checks.use_after_free]
enabled = false
"""


class Hasty(FakeClock):
    """A clock whose sleeps end at once."""

    async def sleep(self, seconds: float) -> None:
        self.at += seconds
        await asyncio.sleep(0)


class Busy(FakeRecords):
    """Records of a deployment whose worker has accepted every other upload."""

    async def get(self, upload: str) -> Record | None:
        if upload not in self.records and int(upload[0], 16) % 2:
            self.put(accepted(upload))
        return await super().get(upload)


async def asked(service: ServiceHarness, folder: Path) -> tuple[int, str]:
    """The exit code and the report of schemathesis."""
    (folder / "schemathesis.toml").write_text(CONFIGURATION)
    options = ["--max-examples", str(CASES), "--suppress-health-check", "all"]
    options += ["--no-color", "--request-timeout", "30", "--workers", "1", "--warnings", "off"]
    # The cases are the same in each run, so those of the last run are not needed.
    options += ["--generation-deterministic"] if "CI" in os.environ else ["--generation-database", "none"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{service.url}/openapi.json", *options),
        *("--header", f"Authorization: Bearer {TOKENS['shop']}"),
        cwd=folder,
        env={**unmeasured(), "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        report, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return await process.wait(), report.decode()


@pytest.mark.long
@pytest.mark.timeout(600)  # hundreds of tests in one
async def test_every_response_conforms_to_the_document(profiles: Profiles, tmp_path: Path) -> None:
    async with ServiceHarness(settings(), profiles, clock=Hasty(), records=Busy()) as service:
        code, report = await asked(service, tmp_path)
        lines = [orjson.loads(line) for line in service.lines]
        document = (await service.ask("GET", "/openapi.json", owner=None)).json
    assert code == 0, report
    generated = re.search(r"^ *(\d+) generated", report, re.MULTILINE)
    assert generated, report
    operations = sum(len(methods) for methods in document["paths"].values())
    sys.stdout.write(f"\n{generated[1]} cases of {operations} operations\n")
    assert int(generated[1]) > operations * CASES
    # Not all responses were refusals.
    seen = Counter((line["method"], line["route"], line["status"]) for line in lines)
    for wanted in (
        ("POST", "/v1/uploads", 201),
        ("GET", "/v1/uploads/{id}", 200),
        ("DELETE", "/v1/uploads/{id}", 202),
        ("GET", "/v1/uploads/{id}/content", 302),
        ("GET", "/api/get-presigned-policy", 200),
    ):
        assert seen[wanted], (wanted, seen)
