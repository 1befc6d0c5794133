"""IAM users of the emulator, with whose access keys the programs and the developer call it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from aiobotocore.session import AioSession, get_session


@dataclass(frozen=True)
class AccessKey:
    """The access key of an IAM user."""

    access_key_id: str
    secret_access_key: str = field(repr=False)

    def environment(self) -> dict[str, str]:
        """The variables from which the AWS credential chain reads this key."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }


@dataclass(frozen=True)
class IamAdmin:
    """Creates IAM users in an emulator with the key of its root. `folder` is where their keys are kept."""

    key: AccessKey
    endpoint: str
    region: str
    folder: Path
    # It reads IAM's service description once; after that, clients can be created quickly and in any event loop.
    session: AioSession = field(default_factory=get_session)

    def iam(self) -> Any:
        """A context with a client of IAM."""
        return self.session.create_client(
            "iam",
            region_name=self.region,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.key.access_key_id,
            aws_secret_access_key=self.key.secret_access_key,
        )

    async def user(self, name: str, policy: Mapping[str, Any]) -> AccessKey:
        """The key of one user: as `users`."""
        return (await self.users({name: policy}))[name]

    async def users(self, policies: Mapping[str, Mapping[str, Any]]) -> dict[str, AccessKey]:
        """The keys of users by name, each allowed exactly what its policy says. Users that do not exist are created.

        A key that was kept in an earlier run is used again while the emulator still knows it.
        """
        async with self.iam() as iam:
            return {name: await self._user(iam, name, policy) for name, policy in policies.items()}

    async def _user(self, iam: Any, name: str, policy: Mapping[str, Any]) -> AccessKey:
        kept = self.folder / f"{name}.json"
        known = await _key_ids(iam, name)
        await iam.put_user_policy(UserName=name, PolicyName="airlock", PolicyDocument=json.dumps(_enforced(policy)))
        if kept.exists():
            key = AccessKey(**json.loads(kept.read_text()))
            if key.access_key_id in known:
                return key
        for stale in known:  # a user can have two keys at most
            await iam.delete_access_key(UserName=name, AccessKeyId=stale)
        made = (await iam.create_access_key(UserName=name))["AccessKey"]
        key = AccessKey(made["AccessKeyId"], made["SecretAccessKey"])
        kept.touch(mode=0o600)
        kept.write_text(json.dumps(asdict(key)))
        return key


def _enforced(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The policy without the conditions on DynamoDB's keys and attributes: ministack 1.5.33 gives those no values, and
    so would refuse what AWS allows.
    """
    statements = [
        {name: value for name, value in statement.items() if name != "Condition" or "dynamodb:" not in str(value)}
        for statement in policy["Statement"]
    ]
    return {**policy, "Statement": statements}


async def _key_ids(iam: Any, name: str) -> set[str]:
    """The ids of the user's keys. Creates the user where it does not exist."""
    try:
        await iam.create_user(UserName=name)
    except iam.exceptions.EntityAlreadyExistsException:
        listed = await iam.list_access_keys(UserName=name)
        return {key["AccessKeyId"] for key in listed["AccessKeyMetadata"]}
    return set()
