"""aiosqs's client with its signing and its session, and a `request` of ours that loses nothing of the answer."""

from typing import Any
from urllib.parse import urlsplit

from aiosqs import SQSClient  # type: ignore[import-untyped]  # it has no types
from yarl import URL

from aws.credentials import CredentialSource
from aws.sqs import answers as sqs_answers

VERSION = "2012-11-05"
# The longest that SQS lets a receive wait, and time for the answer to arrive.
LONGEST_POLL = 20
ANSWER_SECONDS = 10
REDIRECTION = 300


class ServerError(Exception):
    """An answer with a status of 300 or more in which SQS did not say what is wrong: a proxy's, as a rule."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class Client(SQSClient):  # type: ignore[misc]  # as above
    """One endpoint's client. Signs each request with the credentials of that moment.

    `endpoint` is scheme, host and port. It makes an aiohttp session, so it needs a running loop; `close` it.
    """

    def __init__(self, region: str, endpoint: str, credentials: CredentialSource) -> None:
        super().__init__(
            region_name=region,
            aws_access_key_id="",
            aws_secret_access_key="",
            host=_host(endpoint),
            timeout_sec=LONGEST_POLL + ANSWER_SECONDS,
        )
        self.endpoint_url = endpoint
        self._credentials = credentials

    async def close(self) -> None:
        """Close the session, without aiosqs's pause: nothing of ours is still being sent."""
        await self.session.close()

    async def request(self, params: dict[str, Any]) -> sqs_answers.Element:
        """Send one signed GET and return the root of the answer, see `aws.sqs.answers`.

        Raises ServerError, Refusal, UnreadableAnswer, aiohttp's errors, TimeoutError, or Unavailable("credentials").
        """
        url, headers = self.signed(params)
        # `encoded`: what was signed is what is sent.
        async with self.session.get(URL(url, encoded=True), headers=headers, allow_redirects=False) as response:
            answer = await response.read()
        try:
            root = sqs_answers.read(answer)
        except sqs_answers.Refusal as refusal:
            refusal.status = response.status
            raise
        except sqs_answers.UnreadableAnswer:
            if response.status >= REDIRECTION:
                raise ServerError(response.status) from None
            raise
        if response.status >= REDIRECTION:
            raise ServerError(response.status)
        return root

    def signed(self, params: dict[str, Any]) -> tuple[str, dict[str, str]]:
        """The URL and the headers of one request."""
        keys = self._credentials.current()
        self.aws_access_key_id = keys.access_key_id
        self.aws_secret_access_key = keys.secret_access_key
        self.aws_session_token = keys.session_token
        signed = self.build_signed_request({**params, "Version": VERSION})
        return f"{self.endpoint_url}/?{signed.querystring}", signed.headers


def _host(endpoint: str) -> str:
    """The Host header that aiohttp sends to `endpoint`: the port only where it is not the scheme's own."""
    parts = urlsplit(endpoint)
    default = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else str(parts.hostname)
    return host if parts.port in (None, default) else f"{host}:{parts.port}"
