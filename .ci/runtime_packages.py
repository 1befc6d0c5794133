"""What a pod's image installs, found from pyproject.toml and the metadata of what is installed here."""

import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PODS = ("service", "workers")


def of_pod(pod: str) -> dict[str, Distribution]:
    """The distributions that `pod` (or `ops`) needs at run time on this machine, by canonical name, sorted.

    Raises LookupError, with the name, for one that is not installed.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(text) for text in (*project["dependencies"], *project["optional-dependencies"][pod])]
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    while wanted:
        requirement = wanted.pop()
        name = canonicalize_name(requirement.name)
        extras = {"", *requirement.extras} - {extra for known, extra in seen if known == name}
        if not extras or (requirement.marker and not requirement.marker.evaluate()):
            continue
        seen |= {(name, extra) for extra in extras}
        found[name] = _installed(name)
        wanted += _asked_by(found[name], extras)
    found.pop(canonicalize_name(project["name"]), None)  # `ops` includes our own extras
    return dict(sorted(found.items()))


def pins() -> dict[str, str]:
    """The versions of constraints.txt, by canonical name."""
    lines = (ROOT / "constraints.txt").read_text().split()
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def licence(found: Distribution) -> str:
    """What a distribution says of its licence, in a line; `unknown` where it says nothing."""
    told = found.metadata.json
    classified = [each.rpartition(" :: ")[2] for each in told.get("classifier", ()) if each.startswith("License ::")]
    stated = " ".join(str(told.get("license", "")).split())
    # Older packages put the whole text there.
    short = stated if len(stated) <= 60 else ""
    return str(told.get("license_expression") or short or ", ".join(classified) or "unknown")


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise LookupError(f"{name} is not installed here") from None


def _asked_by(found: Distribution, extras: set[str]) -> Iterator[Requirement]:
    """The requirements of a distribution under any of `extras`; the empty one stands for none."""
    for requirement in map(Requirement, found.requires or ()):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras):
            requirement.marker = None
            yield requirement
