"""The AWS clients of one process, made once, with one set of credentials."""

import contextlib
from collections.abc import AsyncIterator, Collection
from typing import TYPE_CHECKING, Any

from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from botocore.exceptions import EndpointResolutionError

from airlock.errors import Unavailable
from aws.credentials import CredentialSource
from aws.errors import translate
from aws.retry import BOTOCORE
from aws.settings import AwsSettings

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_events import EventBridgeClient
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_sns import SNSClient
    from types_aiobotocore_sqs import SQSClient
    from types_aiobotocore_sts import STSClient

SERVICES = ("s3", "dynamodb", "sqs")
CONNECT_TIMEOUT = 5
# A copy of 5 GB takes longer, but S3 sends white space meanwhile.
READ_TIMEOUT = 60
CONNECTIONS = 64
# The global host redirects requests for young buckets, which breaks CORS.
REGIONAL = {"us_east_1_regional_endpoint": "regional"}


class Clients:
    """The aiobotocore clients that were requested, and the credentials that they share with our own signer.

    An attribute of a service that was not requested raises LookupError.
    """

    def __init__(self, credentials: CredentialSource, made: dict[str, Any], s3_url: str = "") -> None:
        self.credentials = credentials
        self.s3_url = s3_url
        """The address at which a browser reaches S3 (`scheme://host`), without a bucket."""
        self._made = made

    def _of(self, service: str) -> Any:
        try:
            return self._made[service]
        except KeyError:
            raise LookupError(f"connect() was called without {service}") from None

    @property
    def s3(self) -> "S3Client":
        """S3 as this process reaches it."""
        client: S3Client = self._of("s3")
        return client

    @property
    def public_s3(self) -> "S3Client":
        """S3 at the address at which a browser reaches it: only for presigned URLs."""
        client: S3Client = self._of("public_s3")
        return client

    @property
    def dynamodb(self) -> "DynamoDBClient":
        """DynamoDB."""
        client: DynamoDBClient = self._of("dynamodb")
        return client

    @property
    def sqs(self) -> "SQSClient":
        """SQS. Receiving is done by `aws.sqs.receiver`."""
        client: SQSClient = self._of("sqs")
        return client

    @property
    def sns(self) -> "SNSClient":
        """SNS."""
        client: SNSClient = self._of("sns")
        return client

    @property
    def events(self) -> "EventBridgeClient":
        """EventBridge."""
        client: EventBridgeClient = self._of("events")
        return client

    @property
    def sts(self) -> "STSClient":
        """STS, which says what our account is."""
        client: STSClient = self._of("sts")
        return client


@contextlib.asynccontextmanager
async def connect(
    settings: AwsSettings, *, services: Collection[str] = SERVICES, connections: int = CONNECTIONS
) -> AsyncIterator[Clients]:
    """Make the clients of `services` (of s3, dynamodb, sqs, sns, events, sts), with up to `connections` each.

    Leaving the context closes them. Only credentials are fetched yet. Raises Unavailable("credentials") when the AWS
    credential chain has none.
    """
    session = AioSession()
    # STS exchanges a pod's or a profile's role for keys: it is asked in our region, not at its global address.
    session.set_config_variable("region", settings.region)
    with translate("credentials"):
        provider: Any = await session.get_credentials()
    if provider is None:
        raise Unavailable("credentials", "the AWS credential chain has none")
    async with contextlib.AsyncExitStack() as stack:
        credentials = await stack.enter_async_context(CredentialSource(provider))
        made = {
            name: await stack.enter_async_context(_client(session, name, settings, settings.endpoint_url, connections))
            for name in services
        }
        if "s3" in made:
            made["public_s3"] = made["s3"]
            if settings.public_s3_url:
                public = _client(session, "s3", settings, settings.public_s3_url, connections)
                made["public_s3"] = await stack.enter_async_context(public)
        yield Clients(credentials, made, await _address(session, settings) if "s3" in made else "")


class _NoRetryByAiohttp(AIOHTTPSession):
    """As aiobotocore's own, but aiohttp repeats no request: botocore does, and its answer says so. See `aws.retry`."""

    async def _get_session(self, proxy_url: Any) -> Any:
        session = await super()._get_session(proxy_url)  # type: ignore[misc]  # its stub names public methods only
        # It has no public name; aiohttp's own TestClient sets it in this way.
        session._retry_connection = False  # noqa: SLF001
        return session


async def _address(session: Any, settings: AwsSettings) -> str:
    """S3's address: of our settings, or as botocore has it from AWS_ENDPOINT_URL, AWS_USE_FIPS_ENDPOINT and the like.

    Raises Unavailable("s3") where there is none, as of FIPS in some partitions.
    """
    if settings.s3_url:
        return settings.s3_url
    # botocore tells it in a form only. The keys sign nothing that is used.
    keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
    config = AioConfig(signature_version="s3v4", s3={**REGIONAL, "addressing_style": "path"})
    try:
        async with session.create_client("s3", region_name=settings.region, config=config, **keys) as s3:
            url: str = (await s3.generate_presigned_post("bucket", "key"))["url"]
    except EndpointResolutionError as error:
        raise Unavailable("s3", f"it has no such address in {settings.region}: {error}") from error
    return url.removesuffix("/bucket")


def _client(session: Any, service: str, settings: AwsSettings, endpoint: str | None, connections: int) -> Any:
    of_s3: dict[str, Any] = {"signature_version": "s3v4", "s3": {**REGIONAL, "addressing_style": settings.addressing}}
    config = AioConfig(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries=BOTOCORE,
        max_pool_connections=connections,
        http_session_cls=_NoRetryByAiohttp,
        # Our requests are tested: to check an UpdateItem against the model of the service takes 60 µs of CPU time.
        parameter_validation=False,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        **(of_s3 if service == "s3" else {}),
    )
    return session.create_client(service, region_name=settings.region, endpoint_url=endpoint, config=config)
