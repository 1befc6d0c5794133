"""What neither ruff nor import-linter sees of the rules in pyproject.toml: what the domain uses and loads."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOADED_BY_IO = {
    "aiobotocore",
    "aiohttp",
    "aiosqs",
    "asyncio",
    "boto3",
    "botocore",
    "random",
    "secrets",
    "socket",
    "ssl",
    "subprocess",
}


def domain() -> list[Path]:
    return sorted((ROOT / "airlock").rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[str]:
    """The top-level packages that a module imports, at any depth of its code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def called(tree: ast.AST) -> set[str]:
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {call.id for call in calls if isinstance(call, ast.Name)}


def loaded_by(program: str) -> set[str]:
    """The modules that a fresh interpreter holds after `program`."""
    command = [sys.executable, "-c", f"import sys\n{program}\nprint(*sys.modules)"]
    return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())


def test_the_domain_imports_the_standard_library_and_pydantic_alone() -> None:
    """import-linter forbids the packages that it is told; this allows no other either."""
    used = {package for path in domain() for package in imported(ast.parse(path.read_text()))}
    assert used <= sys.stdlib_module_names | {"airlock", "pydantic", "pydantic_core"}


def test_the_domain_opens_no_file_and_asks_nobody() -> None:
    asking = [path.name for path in domain() if {"open", "print", "input"} & called(ast.parse(path.read_text()))]
    assert asking == []


def test_importing_the_domain_loads_nothing_that_does_io() -> None:
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in domain()]
    loaded = loaded_by("\n".join(f"import {module.removesuffix('.__init__')}" for module in modules))
    # A first model makes pydantic read package metadata, with the email package, which imports socket.
    pydantic = loaded_by("import pydantic\nclass Model(pydantic.BaseModel): ...")
    assert "airlock.policy" in loaded
    assert not (loaded - pydantic) & LOADED_BY_IO
