"""What is read, and how differences are told and printed."""

import io
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from ops.provision import display
from ops.provision.clients import CallError
from ops.provision.display import Display
from ops.provision.setting import ConflictError, PlannedChange, Setting, planned


def setting(resource: str, what: str, stored: Any, wanted: Any = "wanted", reads: list[str] | None = None) -> Setting:
    async def read() -> Any:
        if reads is not None:
            reads.append(f"{resource} {what}")
        if isinstance(stored, Exception):
            raise stored
        return stored

    async def write() -> None:
        await read()

    return Setting(resource, what, wanted, read, write)


async def test_of_a_missing_resource_only_the_first_setting_is_read() -> None:
    reads: list[str] = []
    there = [("a", "name", "wanted"), ("a", "tags", None), ("a", "size", "wanted")]
    missing = [("b", "name", None), ("b", "tags", None), ("a", "notice", "other")]
    changes = await planned([setting(*each, reads=reads) for each in (*there, *missing)])
    assert reads == ["a name", "a tags", "a size", "b name", "a notice"]
    assert [(each.setting.resource, each.setting.what, each.before, each.created) for each in changes] == [
        ("a", "tags", None, False),
        ("b", "name", None, True),
        ("b", "tags", None, True),
        ("a", "notice", "other", False),
    ]


async def test_all_conflicts_are_told_together() -> None:
    conflicts = [setting(name, "owner", ConflictError(f"{name} is theirs")) for name in ("a", "b")]
    with pytest.raises(ConflictError, match="a is theirs\nb is theirs"):
        await planned([*conflicts, setting("c", "size", None)])


async def test_a_call_that_fails_names_the_resource() -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetBucketCors")
    refused = setting("bucket photos", "cors", denied)
    with pytest.raises(CallError, match=r"^bucket photos, cors: .*AccessDenied"):
        await planned([refused])
    with pytest.raises(CallError, match=r"^bucket photos, cors: .*AccessDenied"):
        await PlannedChange(refused, None).apply()


def printed(monkeypatch: pytest.MonkeyPatch, *changes: PlannedChange) -> str:
    text = io.StringIO()
    monkeypatch.setattr(display, "Console", lambda **options: Console(file=text, **options))
    shown = Display(dry_run=True, as_json=False)
    for change in changes:
        shown.add(change)
    shown.end(finished=True)
    return text.getvalue()


def test_changes_stand_below_their_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = {"ID": "ours", "Origins": ["https://a.example", "https://b.example"]}
    statements = {"Statement": [{"Sid": "Read", "Action": "s3:GetObject"}]}
    assert printed(
        monkeypatch,
        PlannedChange(setting("bucket a", "region", None, "eu-central-1"), None, created=True),
        PlannedChange(setting("bucket a", "cors", None, rule), None, created=True),
        PlannedChange(setting("role r", "policy", None, statements), {"Statement": [{"Sid": "Read", "Action": "*"}]}),
        PlannedChange(setting("bucket a", "notification", None, {}), {"Queue": "old\x1b[2J"}),
    ) == (
        "bucket a  (new)\n"
        "  region  + eu-central-1\n"
        "  cors\n"
        "    ID       + ours\n"
        "    Origins  + https://a.example, https://b.example\n"
        "role r\n"
        "  policy\n"
        "    Statement.Read.Action  * → s3:GetObject\n"
        "bucket a\n"
        "  notification\n"
        "    Queue  - old�[2J\n"
        "4 settings would be changed.\n"
    )
