"""The AWS clients for provisioning, and the account that they act in."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from airlock.errors import AirlockError
from aws.retry import BOTOCORE
from aws.settings import AwsSettings


class CallError(AirlockError):
    """AWS refused a call or cannot be reached; the message is botocore's."""


@dataclass(frozen=True)
class ProvisioningClients:
    """Open clients, and the parts of an ARN in this account."""

    s3: Any
    sqs: Any
    dynamodb: Any
    partition: str
    account: str
    region: str
    iam: Any = None
    """None unless `connect` was called with `roles`."""

    def arn(self, service: str, name: str) -> str:
        """The ARN of the queue `name`, or for `s3` of the bucket, which has no region and no account in it."""
        where = "::" if service == "s3" else f":{self.region}:{self.account}"
        return f"arn:{self.partition}:{service}{where}:{name}"


@asynccontextmanager
async def connect(settings: AwsSettings, *, roles: bool = False) -> AsyncIterator[ProvisioningClients]:
    """Clients with the credentials of the AWS credential chain; a client of IAM only with `roles`.

    Errors of these clients leave the context as CallError.
    """
    try:
        async with _connected(settings, roles=roles) as clients:
            yield clients
    except (BotoCoreError, ClientError) as error:
        raise CallError(str(error)) from error


@asynccontextmanager
async def _connected(settings: AwsSettings, *, roles: bool) -> AsyncIterator[ProvisioningClients]:
    session = get_session()
    # Else STS, which exchanges a role for keys, is called at its global address.
    session.set_config_variable("region", settings.region)
    async with AsyncExitStack() as stack:
        opened = {
            service: await stack.enter_async_context(_client(session, service, settings))
            for service in ("sts", "s3", "sqs", "dynamodb", *(["iam"] if roles else []))
        }
        caller = await opened.pop("sts").get_caller_identity()
        partition = caller["Arn"].split(":")[1]
        yield ProvisioningClients(partition=partition, account=caller["Account"], region=settings.region, **opened)


def _client(session: Any, service: str, settings: AwsSettings) -> Any:
    config = AioConfig(
        connect_timeout=5,
        read_timeout=60,
        retries=BOTOCORE,
        s3={"addressing_style": settings.addressing},
        # Else each call sends a header that servers other than AWS may not know.
        request_checksum_calculation="when_required",
    )
    return session.create_client(
        service, region_name=settings.region, endpoint_url=settings.endpoint_url, config=config
    )


NO_BUCKET = {"NoSuchBucket", "404"}
"""How S3 says that there is no such bucket; an answer to HEAD has no other code than its status."""


async def unless(codes: set[str], call: Awaitable[Any]) -> Any:
    """The response to the call, or None where it is refused with one of these codes."""
    try:
        return await call
    except ClientError as error:
        if error.response["Error"]["Code"] in codes:
            return None
        raise
