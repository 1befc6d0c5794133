"""The rooms keep to their rules, read from the source and seen in a fresh interpreter."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("airlock", "aws", "service", "workers")
MAY_READ = {"settings.py", "__main__.py"}
"""The only files that may read the environment or the clock."""

AMBIENT = {
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "os.environ",
    "os.environb",
    "os.getenv",
    "time.ctime",
    "time.gmtime",
    "time.localtime",
    "time.time",
    "time.time_ns",
}
VENDOR = {"aiobotocore", "aiosqs", "boto3", "botocore"}
# fmt: off
IMPURE = {
    "asyncio", "concurrent", "glob", "io", "multiprocessing", "os", "pathlib", "random", "secrets", "select",
    "shutil", "signal", "socket", "ssl", "subprocess", "tempfile", "threading", "time", "uuid",
}
# fmt: on
LOADED_BY_IO = {
    "aiobotocore",
    "aiohttp",
    "aiosqs",
    "asyncio",
    "boto3",
    "botocore",
    "socket",
    "ssl",
    "subprocess",
}


def sources(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """The local name and the full name of what each import binds, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.split(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def dotted(node: ast.AST, names: dict[str, str]) -> str:
    """`node` as a full dotted name, its first part looked up among the imports; empty for the rest."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute) and (owner := dotted(node.value, names)):
        return f"{owner}.{node.attr}"
    return ""


def ambient(source: str) -> set[str]:
    """What `source` reads of the environment or the clock, however it is imported."""
    tree = ast.parse(source)
    names = dict(imported(tree))
    return AMBIENT & {dotted(node, names) for node in ast.walk(tree)}


def packages(source: str) -> set[str]:
    return {full.split(".")[0] for _, full in imported(ast.parse(source))}


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("import time\nnow = time.time()", {"time.time"}),
        ("import time as t\ndef f(now=t.time): ...", {"time.time"}),
        ("from time import time\ntime()", {"time.time"}),
        ("from datetime import UTC, datetime\ndatetime.now(UTC)", {"datetime.datetime.now"}),
        ("import datetime as dt\ndt.datetime.now()", {"datetime.datetime.now"}),
        ("import os.path\nos.environ['A']", {"os.environ"}),
        ("def f():\n    from os import getenv as g\n    g('A')", {"os.getenv"}),
        ("import time\ntime.perf_counter()", set()),
        ("def f(time): return time.time()", set()),
    ],
)
def test_every_spelling_of_the_clock_and_the_environment_is_seen(source: str, reads: set[str]) -> None:
    assert ambient(source) == reads


@pytest.mark.parametrize("path", sources(*ROOMS), ids=name_of)
def test_only_settings_and_programs_read_the_environment_or_the_clock(path: Path) -> None:
    reads = ambient(path.read_text())
    assert not reads or (path.name in MAY_READ and path.parent.parent == ROOT)


@pytest.mark.parametrize("path", sources("airlock", "service", "workers"), ids=name_of)
def test_only_aws_names_the_vendor(path: Path) -> None:
    assert not packages(path.read_text()) & VENDOR


@pytest.mark.parametrize("path", sources("airlock"), ids=name_of)
def test_the_domain_names_nothing_that_waits_or_varies(path: Path) -> None:
    used = packages(path.read_text())
    assert not used & IMPURE
    assert used <= sys.stdlib_module_names | {"airlock", "pydantic", "pydantic_core"}


@pytest.mark.parametrize("path", sources("airlock"), ids=name_of)
def test_the_domain_opens_no_file(path: Path) -> None:
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert not {"open", "print", "input"} & {call.id for call in calls if isinstance(call, ast.Name)}


def loaded_by(program: str) -> set[str]:
    command = [sys.executable, "-c", f"import sys\n{program}\nprint(*sys.modules)"]
    return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())


def test_importing_the_domain_loads_nothing_that_does_io() -> None:
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sources("airlock")]
    domain = loaded_by("\n".join(f"import {module.removesuffix('.__init__')}" for module in modules))
    # A first model makes pydantic read package metadata, with the email package, which names socket.
    pydantic = loaded_by("import pydantic\nclass Model(pydantic.BaseModel): ...")
    assert "airlock.policy" in domain
    assert not (domain - pydantic) & LOADED_BY_IO
