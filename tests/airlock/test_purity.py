"""Importing the domain loads nothing that waits, listens or knows the vendor."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

IMPORT_ALL = """
import importlib, pkgutil, sys
import pydantic
pydantic.create_model("Empty")
before = set(sys.modules)
import airlock
for module in pkgutil.iter_modules(airlock.__path__):
    importlib.import_module(f"airlock.{module.name}")
print(*sorted(name.partition(".")[0] for name in set(sys.modules) - before))
"""


def test_the_domain_loads_no_event_loop_socket_http_or_vendor() -> None:
    """In a fresh interpreter, beside what pydantic itself loads: it reads package metadata, which takes `socket`."""
    run = subprocess.run([sys.executable, "-c", IMPORT_ALL], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "airlock" in loaded
    assert not loaded & {"asyncio", "socket", "ssl", "aiohttp", "boto3", "botocore", "aiobotocore", "random", "secrets"}
