"""The YARA rules: the bundled ones and an operator's folder, compiled together, each file in a namespace of its own.

A rule that matches makes an object infected, unless its metadata says `outcome = "rejected"`.
"""

import hashlib
import importlib.metadata
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yara_x

from airlock.errors import AirlockError
from airlock.verdict import Engine, Outcome

BUNDLED = Path(str(files("workers.checks") / "rules"))
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


def compile_rules(operators: Path | None = None) -> RuleSet:
    """Read and compile every rule file; raises BadRules with all that is wrong."""
    compiler = yara_x.Compiler()
    wanted = f"^({'|'.join(OUTCOMES)})$"
    compiler.allowed_metadata("outcome", STRING, required=False, error=True, regexp=wanted)
    digest, problems = hashlib.sha256(), []
    for folder in filter(None, (BUNDLED, operators)):
        compiler.add_include_dir(str(folder))
        for path in _rule_files(folder):
            try:
                source = path.read_text("utf-8")
                compiler.new_namespace(path.relative_to(folder).as_posix())
                compiler.add_source(source, origin=str(path))
            except (yara_x.CompileError, OSError, UnicodeDecodeError) as error:
                problems.append(f"{path}: {error}")
            else:
                digest.update(source.encode("utf-8") + b"\0")
    if problems:
        raise BadRules("\n".join(problems))
    version = f"{importlib.metadata.version('yara-x')} (rules {digest.hexdigest()[:12]})"
    return RuleSet(compiler.build(), Engine(name="yara-x", version=version))


def matches(results: yara_x.ScanResults) -> list[Match]:
    """What a scan found, as ours."""
    return [Match(rule.identifier, OUTCOMES[_outcome(rule.metadata)]) for rule in results.matching_rules]


def _rule_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())


def _outcome(metadata: Iterable[tuple[str, object]]) -> str:
    return next((str(value) for name, value in metadata if name == "outcome"), "infected")
