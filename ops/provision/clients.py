"""The AWS clients that provisioning needs, and the account in which they act."""

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
    """AWS refused a call, or could not be reached."""


@dataclass(frozen=True)
class Clients:
    """Open clients, and what an ARN in this account begins with."""

    s3: Any
    sqs: Any
    dynamodb: Any
    partition: str
    account: str
    region: str
    iam: Any = None
    """Open where it was asked for."""

    def arn(self, service: str, name: str) -> str:
        """The ARN of a queue (of S3: of a bucket, which has no region and no account in it)."""
        place = "::" if service == "s3" else f":{self.region}:{self.account}"
        return f"arn:{self.partition}:{service}{place}:{name}"


@asynccontextmanager
async def connect(settings: AwsSettings, *, roles: bool = False) -> AsyncIterator[Clients]:
    """Clients with the credentials of the ordinary AWS chain; IAM's only with `roles`.

    What they raise leaves this context as CallError.
    """
    try:
        async with _connected(settings, roles=roles) as clients:
            yield clients
    except (BotoCoreError, ClientError) as error:
        raise CallError(str(error)) from error


@asynccontextmanager
async def _connected(settings: AwsSettings, *, roles: bool) -> AsyncIterator[Clients]:
    session = get_session()
    # A role is exchanged for keys in this region too.
    session.set_config_variable("region", settings.region)
    config = AioConfig(
        connect_timeout=5,
        read_timeout=60,
        retries=BOTOCORE,
        s3={"addressing_style": settings.addressing},
        # Else each call sends a header that servers other than AWS may not know.
        request_checksum_calculation="when_required",
    )
    async with AsyncExitStack() as stack:

        async def client(service: Any) -> Any:
            made: Any = session.create_client(
                service, region_name=settings.region, endpoint_url=settings.endpoint_url, config=config
            )
            return await stack.enter_async_context(made)

        caller = await (await client("sts")).get_caller_identity()
        yield Clients(
            s3=await client("s3"),
            sqs=await client("sqs"),
            dynamodb=await client("dynamodb"),
            partition=caller["Arn"].split(":")[1],
            account=caller["Account"],
            region=settings.region,
            iam=await client("iam") if roles else None,
        )


async def unless(codes: set[str], call: Awaitable[Any]) -> Any:
    """What the call answers, or None where it is refused with one of these codes."""
    try:
        return await call
    except ClientError as error:
        if error.response["Error"]["Code"] in codes:
            return None
        raise
