"""A fresh machine gets what the project needs: pins, extras, the Makefile and the scripts behind it."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import runtime_packages
import third_party
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deployment import ROOT, unmeasured
from tests.test_architecture import imported

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("target", ["install", "demo", "test", "check", "bench", "fuzz", "audit", "sbom"])
def test_make_knows_what_the_readme_promises(target: str) -> None:
    command = ["make", "--always-make", "--dry-run", target]
    plan = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "pip install" in plan.stdout


@pytest.mark.parametrize("script", ["run", "virtual-environment", "debian-packages"])
def test_a_script_can_be_run(script: str) -> None:
    assert os.access(ROOT / ".ci" / script, os.X_OK)
    subprocess.run(["sh", "-n", ROOT / ".ci" / script], check=True)


@pytest.mark.parametrize("ci", ["true", ""])
def test_a_missing_debian_package_is_named_and_fails_in_ci_only(ci: str, tmp_path: Path) -> None:
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    script = (ROOT / ".ci" / "debian-packages").read_text().replace("chromium chromium", "left-out no-such-program")
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CI": ci}
    run = subprocess.run(["sh"], input=script, env=env, capture_output=True, text=True, check=False)
    assert run.stderr.splitlines()[-1].endswith("left-out")
    assert (run.returncode != 0) == (ci == "true")


def requirements(extra: str | None) -> Iterator[Requirement]:
    """The base's requirements, or an extra's; ours that it includes are followed."""
    texts = PROJECT["dependencies"] if extra is None else PROJECT["optional-dependencies"][extra]
    for requirement in map(Requirement, texts):
        if requirement.name == PROJECT["name"]:
            for included in sorted(requirement.extras):
                yield from requirements(included)
        else:
            yield requirement


def test_every_requirement_is_pinned_within_its_range() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+-]+", line) for line in lines)
    for requirement in [*requirements(None), *requirements("dev")]:
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), requirement


OURS = {"airlock", "aws", "bench", "ops", "service", "tests", "workers", "conftest"} | {
    path.stem for path in (ROOT / ".ci").glob("*.py")
}
ROOMS = [
    ("airlock", []),
    ("aws", []),
    ("service", ["service"]),
    ("workers", ["workers"]),
    ("ops", ["ops"]),
    ("bench", ["dev"]),
    ("tests", ["dev"]),
]


def imported_at_run_time(source: str) -> set[str]:
    """The top-level packages that `source` imports when it is run, not only when its types are checked."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    return set(imported(tree))


LATER = {"compression"}
"""Of the standard library of Python 3.14."""


@cache
def providers() -> Mapping[str, list[str]]:
    """The distributions that provide each package."""
    return packages_distributions()


@pytest.mark.slow
@pytest.mark.parametrize(("room", "extras"), ROOMS)
def test_a_room_imports_only_what_its_image_installs(room: str, extras: list[str]) -> None:
    # Those added here come with the others and are part of their interface.
    names = [found.name for extra in [None, *extras] for found in requirements(extra)]
    added = ["botocore", "cryptography", "multidict", "packaging", "pydantic-core", "yarl"]
    wanted = set(map(canonicalize_name, [*names, *added]))
    for path in sorted((ROOT / room).rglob("*.py")):
        for package in imported_at_run_time(path.read_text()) - OURS - sys.stdlib_module_names - LATER:
            distributions = {canonicalize_name(name) for name in providers().get(package, [package])}
            assert distributions & wanted, f"{path.relative_to(ROOT)} imports {package}"


@pytest.mark.parametrize("pod", runtime_packages.PODS)
def test_a_pod_runs_what_it_requires_and_no_more(pod: str) -> None:
    names = runtime_packages.of_pod(pod).keys()
    direct = {canonicalize_name(each.name) for extra in (None, pod) for each in requirements(extra)}
    assert direct - {"backports-zstd"} <= names
    assert {"botocore", "yarl", "pydantic-core"} <= names
    assert names.isdisjoint({"pytest", "pip", "pip-audit", "moto", "ruff", "ministack"})
    assert ("yara-x" in names) == (pod == "workers")


@pytest.mark.long
@pytest.mark.server
def test_a_bill_of_materials_holds_what_the_pod_runs(tmp_path: Path) -> None:
    """The tool that writes it has checked that it is CycloneDX."""
    subprocess.run([sys.executable, ".ci/sbom.py", tmp_path, "workers"], cwd=ROOT, env=unmeasured(), check=True)
    bill = json.loads((tmp_path / "workers.cdx.json").read_text())
    assert bill["metadata"]["component"]["name"] == PROJECT["name"]
    assert {canonicalize_name(part["name"]) for part in bill["components"]} == runtime_packages.of_pod("workers").keys()


@pytest.mark.parametrize("image", third_party.IMAGES)
def test_each_package_of_an_image_is_listed_with_its_licence_and_the_version_that_is_pinned(image: str) -> None:
    lines = (ROOT / "THIRD_PARTY.md").read_text().splitlines(keepends=True)
    images = {re.split(r" *\| *", line)[1]: line for line in lines if line.startswith("| ")}
    for found in runtime_packages.of_pod(image).values():
        name = found.metadata["Name"]
        others = re.split(r" *\| *", images[name])[4].split(", ")
        assert image in others
        assert images[name] == third_party.row(found, others)


def test_no_package_is_listed_that_is_not_pinned() -> None:
    pins = runtime_packages.pins()
    for line in re.findall(r"^\| (?!package|---)(.+)$", (ROOT / "THIRD_PARTY.md").read_text(), re.MULTILINE):
        name, version, *_ = line.split(" | ")
        assert pins[canonicalize_name(name)] == version


@pytest.mark.parametrize("image", ["service", "workers", "ops", "clamd"])
def test_an_image_is_labelled_with_its_version_and_licence_and_has_the_notices(image: str) -> None:
    stages = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)[1:]
    texts = {stage.split()[2]: stage for stage in stages}
    whole = texts[image] if texts[image].startswith("debian") else texts["base"] + texts[image]
    assert f"org.opencontainers.image.title=airlock-{image} " in whole
    assert f"org.opencontainers.image.version={PROJECT['version']} " in whole
    assert f"org.opencontainers.image.licenses={'GPL-2.0-only' if image == 'clamd' else PROJECT['license']}\n" in whole
    assert re.search(r"^COPY .*NOTICE.* /usr/share/doc/airlock/$", whole, re.MULTILINE)


def test_the_licence_is_the_one_that_the_metadata_names() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text()
    assert all((ROOT / name).is_file() for name in PROJECT["license-files"])


REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs\.org|unpkg\.com|jsdelivr\.net|deb\.debian\.org|docker\.io|ghcr\.io|"
    r"quay\.io|gcr\.io|public\.ecr\.aws|proxy\.golang\.org"
)


def test_no_file_names_a_registry() -> None:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [ROOT / name for name in listing.stdout.split("\0") if name and not name.endswith(Path(__file__).name)]
    named = [path for path in files if path.is_file() and REGISTRIES.search(path.read_text(errors="replace"))]
    assert named == []
