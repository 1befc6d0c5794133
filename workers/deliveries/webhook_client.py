"""Sends one event to a webhook: a signed POST, by the Standard Webhooks specification.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import aiohttp
from standardwebhooks.webhooks import Webhook as Signer

from airlock.profiles import Webhook
from airlock.verdict_event import CONTENT_TYPE
from aws import egress
from workers.deliveries.addresses import FORBIDDEN, Network, guarded_sockets
from workers.deliveries.delivery import Delivery

# A receiver should store the event and answer. Work that takes longer belongs behind a queue of the receiver's own.
TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
# Enough of a response to see the receiver's error message. The rest is not read.
RESPONSE_BYTES = 512
# By the specification, 410 means: do not send this again.
GONE = 410


@dataclass(frozen=True, slots=True)
class SendResult:
    """The result of one attempt. Where `delivered` is false, `error` says why.

    `retry_after` is the pause in seconds that the receiver asked for, 0 for none. With `permanent` no other attempt
    can succeed.
    """

    delivered: bool
    error: str = ""
    retry_after: float = 0
    permanent: bool = False


class WebhookClient:
    """Sends events to `webhooks`, by name. `secrets` has for each name its signing secrets, the newest first."""

    def __init__(
        self,
        direct: aiohttp.ClientSession,
        through_proxy: aiohttp.ClientSession,
        webhooks: Mapping[str, Webhook],
        secrets: Mapping[str, Sequence[str]],
    ) -> None:
        self._direct = direct
        self._through_proxy = through_proxy
        self._urls = {name: webhook.url for name, webhook in webhooks.items()}
        self._signers = {name: [Signer(secret) for secret in secrets.get(name, ())] for name in webhooks}

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls,
        webhooks: Mapping[str, Webhook],
        secrets: Mapping[str, Sequence[str]],
        allowed: Sequence[Network],
        connections: int = 8,
    ) -> AsyncIterator[Self]:
        """A client with at most `connections` at once, which connects to public addresses and `allowed` networks only,
        or through the proxy of the environment: then the proxy decides where it leads.

        Its connections are closed at the end.
        """
        tls = egress.authorities()
        guarded = aiohttp.TCPConnector(socket_factory=guarded_sockets(allowed), limit=connections, ssl=tls)
        # A proxy resolves the receiver's name itself, and may have a private address.
        unguarded = aiohttp.TCPConnector(limit=connections, ssl=tls)
        async with (
            aiohttp.ClientSession(connector=guarded, timeout=TIMEOUT) as direct,
            aiohttp.ClientSession(connector=unguarded, timeout=TIMEOUT) as through_proxy,
        ):
            yield cls(direct, through_proxy, webhooks, secrets)

    async def send(self, delivery: Delivery, now: float) -> SendResult:
        """Try once; `now`, in seconds since the epoch, is signed. Raises nothing: every failure is a result."""
        url = self._urls.get(delivery.webhook)
        if url is None:
            return SendResult(
                delivered=False, error=f"no profile names the webhook {delivery.webhook!r} any more", permanent=True
            )
        headers = self._headers(delivery, now)
        body = delivery.event.encode("utf-8")
        proxy = egress.proxy(url)
        session = self._through_proxy if proxy else self._direct
        try:
            # Redirects are not followed: they would lead away from the configured address.
            async with session.post(url, data=body, headers=headers, allow_redirects=False, proxy=proxy) as response:
                return await _result(response)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return SendResult(delivered=False, error=_connection_error(error))

    def _headers(self, delivery: Delivery, now: float) -> dict[str, str]:
        moment = datetime.fromtimestamp(int(now), UTC)
        signed = [signer.sign(delivery.event_id, moment, delivery.event) for signer in self._signers[delivery.webhook]]
        return {
            "Content-Type": CONTENT_TYPE,
            "User-Agent": "Airlock",
            "webhook-id": delivery.event_id,
            "webhook-timestamp": str(int(now)),
            "webhook-signature": " ".join(signed),
        }


async def _result(response: aiohttp.ClientResponse) -> SendResult:
    if 200 <= response.status < 300:
        return SendResult(delivered=True)
    text = ""
    with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
        text = (await response.content.read(RESPONSE_BYTES)).decode("utf-8", "replace")
    printable = "".join(character if character.isprintable() else " " for character in text).strip()
    after = response.headers.get("Retry-After", "")
    return SendResult(
        delivered=False,
        error=f"the receiver answered {response.status}" + (f": {printable}" if printable else ""),
        retry_after=float(after) if after.isascii() and after.isdigit() else 0.0,
        permanent=response.status == GONE,
    )


def _connection_error(error: Exception) -> str:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    # For a name with several addresses aiohttp raises one error for all of them; only its text names the reason.
    if FORBIDDEN in str(cause):
        return f"the receiver's name resolves to {FORBIDDEN}"
    # The class alone: the text of such an error can contain what was sent.
    return f"the receiver could not be reached ({type(cause).__name__})"
