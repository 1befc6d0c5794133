"""The documents say what the code does, where that can be compared."""

import re
from pathlib import Path

from airlock.lifecycle import diagram

ROOT = Path(__file__).parents[1]


def test_the_lifecycle_diagram_is_the_table() -> None:
    assert f"```mermaid\n{diagram()}\n```" in (ROOT / "docs" / "architecture.md").read_text()


def test_every_relative_link_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_test_that_shows_a_threat_to_be_stopped_is_there() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        for named in re.findall(r"\btests/[\w/.]*\w", page.read_text()):
            assert (ROOT / named).exists(), f"{page.name} names {named}"
