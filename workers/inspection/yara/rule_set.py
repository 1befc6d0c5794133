"""The YARA rules: the bundled ones and an operator's folder, compiled together, each file in a namespace of its own.

A rule that matches makes an object infected, unless its metadata says `outcome = "rejected"`.

Each file with one of `SUFFIXES` is compiled. Other files can be included by those, and count for the digest too. Files
and folders whose names begin with a dot are skipped: in a mounted ConfigMap they hold each file a second time.
"""

import hashlib
import importlib.metadata
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yara_x

from airlock.errors import AirlockError
from airlock.verdict import Engine, Outcome

BUNDLED = Path(str(files("workers.inspection.yara") / "rules"))
# The package's stubs declare it as an int, which it is not.
STRING: Any = yara_x.MetaType.STRING
SUFFIXES = (".yar", ".yara")
OUTCOMES = {"infected": Outcome.INFECTED, "rejected": Outcome.REJECTED}


class BadRules(AirlockError):
    """Rule files that do not compile; the message names each with its line and problem."""


@dataclass(frozen=True, slots=True)
class Match:
    """One rule that matched."""

    rule: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Compiled rules, and their engine: YARA-X's version and the first digits of the SHA-256 of all rule files."""

    rules: yara_x.Rules
    engine: Engine
    folder: Path | None = None
    """The operator's folder, if there is one."""
    state: "FolderState | None" = None
    """The folder's state when it was read."""


FolderState = frozenset[tuple[str, int, int, int]]
"""The path, inode, modification time in nanoseconds and size in bytes of each file."""


def folder_state(folder: Path) -> FolderState:
    """The state of a folder of rules now; raises OSError where it cannot be read."""
    described = ((str(path), path.stat()) for path in _files(folder))
    return frozenset((path, of.st_ino, of.st_mtime_ns, of.st_size) for path, of in described)


def compile_rules(operators: Path | None = None) -> RuleSet:
    """Compile the bundled rules and those of the folder `operators`; raises BadRules with every problem."""
    try:
        # Taken before the files are read: a change during the reading is then found by the next poll.
        state = folder_state(operators) if operators else None
        rules, version = _compiled([BUNDLED, operators] if operators else [BUNDLED])
    except OSError as error:
        raise BadRules(f"{operators}: {error}") from error
    return RuleSet(rules, engine(version), operators, state)


def engine(version: str) -> Engine:
    """The engine with this version."""
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


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in _walked(folder) if path.is_file())


def _walked(folder: Path) -> Iterator[Path]:
    def failed(error: OSError) -> None:
        raise error

    for below, folders, names in os.walk(folder, onerror=failed):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(below, name) for name in names if not name.startswith("."))
