"""The documents say what the code does, where that can be compared."""

import itertools
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

import ops.settings
import service.settings
import workers.settings
from airlock.lifecycle import diagram
from aws.settings import ENV_PREFIX

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "bench").glob("*.md")])
SETTINGS: tuple[type[BaseSettings], ...] = (
    service.settings.Settings,
    workers.settings.Settings,
    ops.settings.Settings,
)
UNITS = ("seconds", "days", "MiB", "messages", "calls", "processes", "deliveries", "port", "connections", "requests")


def test_the_lifecycle_diagram_is_the_table() -> None:
    assert f"```mermaid\n{diagram()}\n```" in (ROOT / "docs" / "architecture.md").read_text()


FUNCTION = r"`((?:airlock|aws|service|workers)\.[\w.]+)`"


def journeys() -> Mapping[str, str]:
    """Title and text of each."""
    parts = re.split(r"^## (.+)$", (ROOT / "docs" / "architecture.md").read_text(), flags=re.MULTILINE)[1:]
    return {title: text for title, text in zip(*[iter(parts)] * 2, strict=True) if title.startswith("Journey of")}


@pytest.mark.parametrize("title", journeys())
def test_every_function_of_a_journey_is_there(title: str) -> None:
    for name in re.findall(FUNCTION, journeys()[title]):
        assert callable(pkgutil.resolve_name(name)), name


@pytest.mark.parametrize("title", journeys())
def test_a_journey_enters_no_room_twice(title: str) -> None:
    """The domain and the adapters are no rooms on the way: they are called from one."""
    steps = re.findall(rf"^\d+\. {FUNCTION}", journeys()[title], re.MULTILINE)
    rooms = [room for room, _ in itertools.groupby(".".join(step.split(".")[:2]) for step in steps)]
    entered = [room for room in rooms if not room.startswith(("airlock", "aws"))]
    entered = [room for room, _ in itertools.groupby(entered)]
    assert len(entered) == len(set(entered)), entered


def anchors(page: Path) -> set[str]:
    """Those that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r'<img src="([^"]+)"', r"](\1)", page.read_text())
    for target, anchor in re.findall(r"\]\((?!https?://)([^)#\s]*)(?:#([^)]+))?\)", text):
        there = page.parent / target if target else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_and_folder_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    named = re.findall(r"`((?:airlock|aws|bench|docs|k8s|ops|service|tests|web|workers)/[\w./-]*)`", text)
    for path in [*named, *re.findall(r"\btests/[\w/.]*\w", text)]:
        assert (ROOT / path).exists(), path


def decisions() -> list[tuple[int, str, str]]:
    """Number, title and text of each."""
    page = (ROOT / "docs" / "decisions.md").read_text()
    parts = re.split(r"^## (\d+)\. (.+)$", page, flags=re.MULTILINE)[1:]
    return [(int(number), title, text.strip()) for number, title, text in zip(*[iter(parts)] * 3, strict=True)]


def test_decisions_are_numbered_and_the_index_has_them_all() -> None:
    index = re.findall(r"^(\d+)\. \[(.+)\]\(#", (ROOT / "docs" / "decisions.md").read_text(), re.MULTILINE)
    titles = [(number, title) for number, title, _ in decisions()]
    assert titles == [(int(number), title) for number, title in index]
    assert [number for number, _ in titles] == list(range(1, len(titles) + 1))


@pytest.mark.parametrize(
    ("title", "text"), [pytest.param(title, text, id=str(number)) for number, title, text in decisions()]
)
def test_a_decision_says_what_why_its_price_and_what_was_not_taken_in_eight_lines(title: str, text: str) -> None:
    assert re.findall(r"^- \*\*(.+?)\.\*\* ", text, re.MULTILINE) == ["Decision", "Because", "Price", "Not taken"]
    assert len(text.splitlines()) <= 8


def rows() -> Mapping[str, tuple[str, str]]:
    """Default and unit of each variable in the tables of docs/configure.md. Fails where one is listed twice."""
    page = (ROOT / "docs" / "configure.md").read_text()
    found = re.findall(r"^\| `(AIRLOCK_\w+)` \| (.*?) \| ?(.*?) \| .+ \|$", page, re.MULTILINE)
    listed = {name: (default, unit) for name, default, unit in found}
    assert len(found) == len(listed)
    return listed


def fields() -> Iterator[tuple[str, Any, str]]:
    """Variable, field and the class that has it first."""
    seen = set()
    for settings in SETTINGS:
        for name, field in settings.model_fields.items():
            if name not in seen:
                yield f"{ENV_PREFIX}{name.upper()}", field, settings.__module__
                seen.add(name)


def default_of(field: Any) -> str:
    """A field's default as the page writes it."""
    match field.default:
        case value if value is PydanticUndefined:
            return "required"
        case None | []:
            return "none"
        case bool(value):
            return f"`{str(value).lower()}`"
        case list(values):
            return f"`{','.join(values)}`"
        case int(value) | float(value):
            return f"`{value:g}`"
        case Path() as path:
            return f"`{path.relative_to(ROOT) if path.is_absolute() else path}`"
        case value:
            return f"`{value}`"


def range_of(field: Any) -> str:
    least = next((each.ge for each in field.metadata if hasattr(each, "ge")), None)
    most = next((each.le for each in field.metadata if hasattr(each, "le")), None)
    return f"{least} or more" if most is None else f"{least} to {most}"


@pytest.mark.parametrize(("variable", "field"), [pytest.param(name, field, id=name) for name, field, _ in fields()])
def test_every_setting_is_listed_with_its_default_unit_and_range(variable: str, field: Any) -> None:
    default, unit = rows()[variable]
    assert default == default_of(field)
    if isinstance(field.default, bool) or not isinstance(field.default, int | float):
        assert unit == ""
        return
    assert unit.startswith(UNITS)
    assert unit.endswith(f", {range_of(field)}")
    assert not variable.endswith("_SECONDS") or unit.startswith("seconds")


def test_a_variable_that_two_programs_read_has_both_defaults() -> None:
    """The table has the service's."""
    page = (ROOT / "docs" / "configure.md").read_text()
    for name, field in workers.settings.Settings.model_fields.items():
        other = service.settings.Settings.model_fields.get(name)
        if other is not None and other.default != field.default:
            said = f"`{ENV_PREFIX}{name.upper()}` is for the worker too: "
            assert said in page
            assert f"{default_of(field)} ({range_of(field)} seconds)" in page.partition(said)[2]


ELSEWHERE = {"AIRLOCK_SERVICE", "AIRLOCK_TOKEN"}
"""Read by click, for the commands that call the service's API."""


def test_no_setting_is_listed_that_nobody_reads() -> None:
    assert rows().keys() == {name for name, _, _ in fields()} | ELSEWHERE


@pytest.mark.parametrize(
    "path",
    [*PAGES, *(ROOT / "k8s").iterdir(), *ROOT.glob("*.toml"), ROOT / "compose.yaml", ROOT / "Dockerfile"],
    ids=lambda path: path.name,
)
def test_every_variable_that_is_named_anywhere_is_a_setting(path: Path) -> None:
    named = set(re.findall(r"\bAIRLOCK_[A-Z0-9_]*[A-Z0-9]\b(?!\*|_\*)", path.read_text()))
    assert named - rows().keys() <= {"AIRLOCK_ADVISORIES"}
