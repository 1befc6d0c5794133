"""One try to hand an event to a webhook: a signed POST, by the Standard Webhooks specification.

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
from workers.deliveries.addresses import FORBIDDEN, Network, guarded_sockets
from workers.deliveries.delivery import Delivery

# A receiver should put the event away and answer; what takes longer belongs behind a queue of its own.
TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
# Enough to see what a receiver objects to. Whatever else it sends is not read.
ANSWER_BYTES = 512
# Its words for "do not send this again".
GONE = 410


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a try: `taken`, or why not; `asked` is the pause in seconds that the receiver asks for."""

    taken: bool
    said: str = ""
    asked: float = 0
    final: bool = False


class Courier:
    """Hands events to webhooks. `secrets` are by webhook, newest first."""

    def __init__(
        self, session: aiohttp.ClientSession, webhooks: Mapping[str, Webhook], secrets: Mapping[str, Sequence[str]]
    ) -> None:
        self._session = session
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
        """A courier whose `connections`, at most that many, lead to public addresses and `allowed` networks only."""
        connector = aiohttp.TCPConnector(socket_factory=guarded_sockets(allowed), limit=connections)
        # Neither a proxy nor credentials out of the environment: both would lead elsewhere.
        async with aiohttp.ClientSession(connector=connector, timeout=TIMEOUT, trust_env=False) as session:
            yield cls(session, webhooks, secrets)

    async def bring(self, delivery: Delivery, now: float) -> Answer:
        """Try once, at `now` (seconds since the epoch). Raises nothing: whatever fails is an answer."""
        url = self._urls.get(delivery.webhook)
        if url is None:
            return Answer(taken=False, said=f"there is no webhook {delivery.webhook!r} any more", final=True)
        headers = self._headers(delivery, now)
        body = delivery.event.encode("utf-8")
        try:
            # A redirect is not followed: it would lead away from the address that was configured.
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                return await _answer(response)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return Answer(taken=False, said=_failure(error))

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


async def _answer(response: aiohttp.ClientResponse) -> Answer:
    if 200 <= response.status < 300:
        return Answer(taken=True)
    with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
        text = (await response.content.read(ANSWER_BYTES)).decode("utf-8", "replace")
        shown = "".join(character if character.isprintable() else " " for character in text).strip()
        return _refusal(response, f"{response.status}: {shown}" if shown else str(response.status))
    return _refusal(response, str(response.status))


def _refusal(response: aiohttp.ClientResponse, said: str) -> Answer:
    after = response.headers.get("Retry-After", "")
    asked = float(after) if after.isascii() and after.isdigit() else 0.0
    return Answer(taken=False, said=f"it answered {said}", asked=asked, final=response.status == GONE)


def _failure(error: Exception) -> str:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    # Of a name with several addresses there is one error for all of them, in which only the text is left.
    if FORBIDDEN in str(cause):
        return f"its name leads to {FORBIDDEN}"
    # Only the kind: the text of such errors can hold what was sent.
    return f"it could not be reached ({type(cause).__name__})"
