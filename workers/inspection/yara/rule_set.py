"""The YARA rules: the bundled ones and an operator's folder, compiled together, each file in a namespace of its own.

A rule that matches makes an object infected, unless its metadata says `outcome = "rejected"`.

Every file with one of `SUFFIXES` is compiled; others are there to be included, and count for the digest all the same.
Files and folders whose names begin with a dot are not looked at: in a mounted ConfigMap they hold each file once more.
"""

import hashlib
import importlib.metadata
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yara_x

from airlock.errors import AirlockError
from airlock.verdict import Engine, Outcome

BUNDLED = Path(str(files("workers.inspection.yara") / "rules"))
# A type of its own in truth, which the package's stubs take for an int.
STRING: Any = yara_x.MetaType.STRING
SUFFIXES = (".yar", ".yara")
OUTCOMES = {"infected": Outcome.INFECTED, "rejected": Outcome.REJECTED}


class BadRules(AirlockError):
    """Rule files that cannot be used; the message names each with its line and what is wrong there."""


@dataclass(frozen=True, slots=True)
class Match:
    """One rule that matched."""

    rule: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Compiled rules, and the engine that they make: YARA-X's version, with the first digits of their SHA-256."""

    rules: yara_x.Rules
    engine: Engine
    folder: Path | None = None
    """The operator's, if there is one."""
    state: "FolderState | None" = None
    """How it was when it was read."""


FolderState = frozenset[tuple[str, int, int, int]]
"""Of each file its path, inode, time of change in nanoseconds, and size in bytes."""


def folder_state(folder: Path) -> FolderState:
    """How a folder of rules is now; raises OSError where it cannot be read."""
    described = ((str(path), path.stat()) for path in _files(folder))
    return frozenset((path, of.st_ino, of.st_mtime_ns, of.st_size) for path, of in described)


def compile_rules(operators: Path | None = None) -> RuleSet:
    """Read and compile every rule file; raises BadRules with all that is wrong."""
    try:
        # Taken first: what changes while we read is seen as a change afterwards.
        state = folder_state(operators) if operators else None
        rules, version = _compiled([BUNDLED, operators] if operators else [BUNDLED])
    except OSError as error:
        raise BadRules(f"{operators}: {error}") from error
    return RuleSet(rules, engine(version), operators, state)


def engine(version: str) -> Engine:
    """The engine of rules whose version is that."""
    return Engine(name="yara-x", version=version)


def _compiled(folders: list[Path]) -> tuple[yara_x.Rules, str]:
    compiler = yara_x.Compiler()
    wanted = f"^({'|'.join(OUTCOMES)})$"
    compiler.allowed_metadata("outcome", STRING, required=False, error=True, regexp=wanted)
    digest, problems = hashlib.sha256(), []
    for folder in folders:
        compiler.add_include_dir(str(folder))
        for path in _files(folder):
            try:
                source = path.read_bytes()
                digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + source + b"\0")
                if path.suffix in SUFFIXES:
                    compiler.new_namespace(path.relative_to(folder).as_posix())
                    compiler.add_source(source.decode("utf-8"), origin=str(path))
            except (yara_x.CompileError, OSError, UnicodeDecodeError) as error:
                problems.append(f"{path}: {error}")
    if problems:
        raise BadRules("\n".join(problems))
    return compiler.build(), f"{importlib.metadata.version('yara-x')} (rules {digest.hexdigest()[:12]})"


def matches(results: yara_x.ScanResults) -> list[Match]:
    """What a scan found, as ours."""
    return [Match(rule.identifier, OUTCOMES[_outcome(rule.metadata)]) for rule in results.matching_rules]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in _walked(folder) if path.is_file())


def _walked(folder: Path) -> Iterator[Path]:
    def failed(error: OSError) -> None:
        raise error

    for place, folders, names in os.walk(folder, onerror=failed):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in names if not name.startswith("."))


def _outcome(metadata: Iterable[tuple[str, object]]) -> str:
    return next((str(value) for name, value in metadata if name == "outcome"), "infected")
