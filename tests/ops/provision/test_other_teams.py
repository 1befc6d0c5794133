"""`airlock provision` in an account whose resources other teams use too: the difference is ours alone."""

from collections.abc import Iterator
from typing import Any

import pytest

from ops.provision.clients import ProvisioningClients
from ops.provision.setting import ConflictError
from ops.settings import Settings
from tests.ops.provision import other_teams
from tests.ops.provision.conftest import changes

# Without versions nothing can be pinned, and messages must outlive a long outage.
OURS = ("versioning", "queue.MessageRetentionPeriod", "queue.LastModifiedTimestamp")


async def test_the_difference_is_ours_alone(wanted: Settings, clients: ProvisioningClients) -> None:
    await other_teams.settle_in(wanted, clients)
    before = await other_teams.everything(wanted, clients)
    planned = await changes(wanted, dry_run=True)
    assert await other_teams.everything(wanted, clients) == before
    assert await changes(wanted) == planned
    after = await other_teams.everything(wanted, clients)
    assert [path for path, _ in missing(before, after) if not path.endswith(OURS)] == []
    added = [(path, value) for path, value in missing(after, before) if not path.endswith(OURS)]
    assert {path for path, _ in added} == {
        f"{wanted.incoming_bucket} cors",
        f"{wanted.incoming_bucket} lifecycle",
        f"{wanted.incoming_bucket} notifications.QueueConfigurations",
        f"{wanted.accepted_bucket} cors",
        f"{wanted.accepted_bucket} lifecycle",
        f"{wanted.quarantine_bucket} lifecycle",
        "queue.Policy.Statement",
        "queue.RedrivePolicy",
        "table.AttributeDefinitions",
        "table.GlobalSecondaryIndexes",
    }
    [index] = (value for path, value in added if path == "table.GlobalSecondaryIndexes")
    assert index["ProvisionedThroughput"] == other_teams.CAPACITY
    ids = [value.get("ID") or value.get("Id") or value.get("Sid") for _, value in added if isinstance(value, dict)]
    assert all(str(each).startswith("airlock-") for each in ids if each)
    assert await changes(wanted) == []
    assert await other_teams.everything(wanted, clients) == after


def missing(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each value of `before` that is not in `after`, by its path: a list has it at any place."""
    match before, after:
        case dict(), dict():
            for key, value in before.items():
                yield from missing(value, after.get(key), f"{path}.{key}".removeprefix("."))
        case list(), list():
            yield from ((path, value) for value in before if value not in after)
        case _:
            if before != after:
                yield path, before


async def test_what_cannot_be_merged_is_named_and_nothing_is_changed(
    wanted: Settings, clients: ProvisioningClients
) -> None:
    await other_teams.settle_in(wanted, clients)
    await other_teams.be_in_the_way(wanted, clients)
    before = await other_teams.everything(wanted, clients)
    with pytest.raises(ConflictError) as planned:
        await changes(wanted, dry_run=True)
    with pytest.raises(ConflictError) as real:
        await changes(wanted)
    assert str(planned.value) == str(real.value)
    told = str(real.value).splitlines()
    assert await other_teams.everything(wanted, clients) == before
    dead = clients.arn("sqs", f"their-{wanted.queue}")
    for line in (
        f"bucket {wanted.accepted_bucket} is public by its policy (statement Everybody)",
        f"bucket {wanted.quarantine_bucket} holds their/report.pdf, which is not Airlock's",
        f"bucket {wanted.incoming_bucket} notifies {clients.arn('sns', 'theirs')} of new objects below every prefix",
        f"queue {wanted.queue} moves its dead letters to {dead}",
        f"queue {wanted.queue} is encrypted with alias/aws/sqs, which S3 cannot use",
        f"table {wanted.table} has its time to live on theirs (enabled)",
    ):
        assert [each for each in told if each.startswith(line)], line
    assert len(told) == 6
