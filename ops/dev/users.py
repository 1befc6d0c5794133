"""IAM users of the emulator, whose keys the programs and the developer run with."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from aiobotocore.session import AioSession, get_session


@dataclass(frozen=True)
class AccessKey:
    """An IAM user's access key."""

    access_key_id: str
    secret_access_key: str = field(repr=False)

    def environment(self) -> dict[str, str]:
        """The variables from which the ordinary AWS credential chain takes these keys."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }


@dataclass(frozen=True)
class IamAdmin:
    """Whoever may make IAM users in an emulator; `folder` is where their keys are kept."""

    keys: AccessKey
    endpoint: str
    region: str
    folder: Path
    # It has read IAM's description once; a client of it can be made quickly, in whichever event loop.
    session: AioSession = field(default_factory=get_session)

    def iam(self) -> Any:
        """A context with a client of IAM."""
        return self.session.create_client(
            "iam",
            region_name=self.region,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.keys.access_key_id,
            aws_secret_access_key=self.keys.secret_access_key,
        )

    async def user(self, name: str, policy: Mapping[str, Any]) -> AccessKey:
        """The keys of one user: as `users`."""
        return (await self.users({name: policy}))[name]

    async def users(self, policies: Mapping[str, Mapping[str, Any]]) -> dict[str, AccessKey]:
        """The keys of users by name, each of whom may do what the policy says and nothing else; made where missing.

        They are those kept from an earlier run while ministack still knows them, else new ones.
        """
        async with self.iam() as iam:
            return {name: await self._user(iam, name, policy) for name, policy in policies.items()}

    async def _user(self, iam: Any, name: str, policy: Mapping[str, Any]) -> AccessKey:
        kept = self.folder / f"{name}.json"
        known = await _known_keys(iam, name)
        await iam.put_user_policy(UserName=name, PolicyName="airlock", PolicyDocument=json.dumps(policy))
        if kept.exists():
            keys = AccessKey(**json.loads(kept.read_text()))
            if keys.access_key_id in known:
                return keys
        for stale in known:  # a user has two keys at most
            await iam.delete_access_key(UserName=name, AccessKeyId=stale)
        made = (await iam.create_access_key(UserName=name))["AccessKey"]
        keys = AccessKey(made["AccessKeyId"], made["SecretAccessKey"])
        kept.touch(mode=0o600)
        kept.write_text(json.dumps(asdict(keys)))
        return keys


async def _known_keys(iam: Any, name: str) -> set[str]:
    """The ids of the user's keys; the user is made where there is none."""
    try:
        await iam.create_user(UserName=name)
    except iam.exceptions.EntityAlreadyExistsException:
        listed = await iam.list_access_keys(UserName=name)
        return {key["AccessKeyId"] for key in listed["AccessKeyMetadata"]}
    return set()
