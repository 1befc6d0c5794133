"""Known holes from a folder of OSV documents, for machines that reach no advisory service.

https://ossf.github.io/osv-schema/ describes the documents, and the evaluation of their ranges.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version


class Snapshot(NamedTuple):
    """The advisories of a folder that are in force, and when the newest of all in it was modified."""

    advisories: Sequence[Mapping[str, Any]]
    newest: str


def read(folder: Path) -> Snapshot:
    """Every `*.json` below `folder`. Raises ValueError, with the file's name, for one that is no OSV document."""
    documents = []
    for path in sorted(folder.rglob("*.json")):
        document = json.loads(path.read_text("utf-8"))
        if not isinstance(document, dict) or not {"id", "modified"} <= document.keys():
            raise ValueError(f"{path.name} is no OSV document")
        documents.append(document)
    in_force = [document for document in documents if "withdrawn" not in document]
    return Snapshot(in_force, max((document["modified"] for document in documents), default=""))


def matching(pins: Mapping[str, str], snapshot: Snapshot) -> Iterator[tuple[str, str, str]]:
    """Name, version and advisory (with its aliases) for each pin, by canonical name, that an advisory is about."""
    for advisory in snapshot.advisories:
        for affected in advisory.get("affected", ()):
            package = affected.get("package", {})
            name = canonicalize_name(package.get("name", ""))
            if package.get("ecosystem") == "PyPI" and name in pins and _affects(affected, pins[name]):
                yield name, pins[name], " ".join([advisory["id"], *advisory.get("aliases", ())])


def _affects(affected: Mapping[str, Any], text: str) -> bool:
    version = Version(text)
    ranges = [each for each in affected.get("ranges", ()) if each.get("type") == "ECOSYSTEM"]
    named = any(version == found for each in affected.get("versions", ()) if (found := _version(each)))
    return named or any(_within(each["events"], version) for each in ranges)


def _version(text: str) -> Version | None:
    """None for the forms from before PEP 440, which no pin has."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _within(events: Sequence[Mapping[str, str]], version: Version) -> bool:
    steps = [(Version(text), kind) for event in events for kind, text in event.items() if kind != "limit"]
    inside = False
    for at, kind in sorted(steps, key=lambda step: step[0]):
        if kind == "introduced" and version >= at:
            inside = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            inside = False
    return inside
