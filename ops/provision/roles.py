"""The inline policies of the pods' roles, where the settings name roles."""

from typing import Any

from airlock.profiles import Profiles
from ops.iam import policies
from ops.provision.clients import ProvisioningClients, unless
from ops.provision.setting import ConflictError, Setting
from ops.settings import Settings

POLICY = "airlock"
NO_ENTITY = {"NoSuchEntity"}


def settings(clients: ProvisioningClients, wanted: Settings, profiles: Profiles) -> list[Setting]:
    """The policy of each role that the settings name."""
    return [
        _policy(
            clients.iam,
            role,
            policies.document(pod, wanted, profiles, partition=clients.partition, account=clients.account),
        )
        for pod, role in wanted.roles().items()
    ]


def _policy(client: Any, role: str, document: policies.PolicyDocument) -> Setting:
    async def read() -> Any:
        if await unless(NO_ENTITY, client.get_role(RoleName=role)) is None:
            raise ConflictError(
                # Who may assume it is for the account's owner to decide.
                f"the role {role} does not exist: create it first, with the trust policy of your cluster"
            )
        answer = await unless(NO_ENTITY, client.get_role_policy(RoleName=role, PolicyName=POLICY))
        return answer and answer["PolicyDocument"]

    async def write() -> None:
        await client.put_role_policy(RoleName=role, PolicyName=POLICY, PolicyDocument=policies.text(document))

    return Setting(f"role {role}", "policy", document, read, write)
