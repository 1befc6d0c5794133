"""SQS that breaks: bounded tries with pauses in between, then one error of ours."""

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlsplit

import pytest

from airlock.errors import Unavailable
from aws.retry import SQS
from aws.session import connect
from aws.sqs import client as sqs_client
from aws.sqs.queue import URL_LENGTH, Queue
from tests.aws import settings_at
from tests.aws.faults import RESET, SILENCE, Script, answer, serving

pytestmark = pytest.mark.usefixtures("made_up_keys")

NAMESPACE = ' xmlns="http://queue.amazonaws.com/doc/2012-11-05/"'


def ok(action: str, inner: str = "") -> bytes:
    return answer(
        200, f"<{action}Response{NAMESPACE}><{action}Result>{inner}</{action}Result></{action}Response>".encode()
    )


def refusal(code: str, status: int) -> bytes:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>secret</Message></Error>"
    return answer(status, f"<ErrorResponse{NAMESPACE}>{error}</ErrorResponse>".encode())


URL = ok("GetQueueUrl", "<QueueUrl>https://sqs/1/objects</QueueUrl>")
MESSAGE = (
    "<Message><MessageId>m</MessageId><ReceiptHandle>r</ReceiptHandle><Body>body</Body>"
    "<Attribute><Name>ApproximateReceiveCount</Name><Value>{count}</Value></Attribute></Message>"
)
RECEIVED = ok("ReceiveMessage", MESSAGE.format(count=1))
CUT = RECEIVED.replace(b"Content-Length: ", b"Content-Length: 9")
PASSING = {
    "503": refusal("ServiceUnavailable", 503),
    "500 of a proxy": answer(502, b"<html>Bad Gateway"),
    "500 with an answer": ok("ReceiveMessage").replace(b"200", b"500"),
    "throttled": refusal("RequestThrottled", 403),
    "throttled by a proxy": answer(429, b"slow down"),
    "reset": RESET,
    "cut": CUT,
    "cut XML": answer(200, RECEIVED.split(b"\r\n\r\n")[1][:-10]),
    "garbage": b"garbage\r\n\r\n",
    "HTML": answer(200, b"<html><body>Sign in</body></html>"),
    "no count": ok("ReceiveMessage", "<Message/>"),
    "odd count": ok("ReceiveMessage", MESSAGE.format(count="many")),
}
FINAL = {
    "AccessDenied": refusal("AccessDenied", 403),
    "AWS.SimpleQueueService.NonExistentQueue": refusal("AWS.SimpleQueueService.NonExistentQueue", 400),
    "HTTP 404": answer(404, b"not here"),
    "HTTP 302": answer(302, b"", headers="Location: http://127.0.0.1:9/\r\n"),
}


@dataclass
class Naps:
    """Takes no time, and remembers how long each pause was to be at most and what was chosen."""

    most: list[float] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)

    def uniform(self, low: float, high: float) -> float:
        assert low == 0
        self.most.append(high)
        return high / 2

    async def sleep(self, seconds: float) -> None:
        self.taken.append(seconds)


@contextlib.asynccontextmanager
async def queue_at(script: Script, naps: Naps | None = None) -> AsyncIterator[Queue]:
    naps = naps or Naps()
    settings = settings_at(script.url)
    async with (
        connect(settings, services=("sqs",)) as clients,
        Queue.open(settings, clients, retry=replace(SQS, sleep=naps.sleep, uniform=naps.uniform)) as queue,
    ):
        yield queue


# aiohttp repeats a GET once by itself when the connection is reset, which would count twice here.
@pytest.mark.parametrize("fault", [PASSING[name] for name in PASSING if name != "reset"])
async def test_a_passing_fault_is_not_noticed(fault: bytes) -> None:
    naps = Naps()
    async with serving(URL, fault, fault, RECEIVED) as script, queue_at(script, naps) as queue:
        (message,) = await queue.receive(10, 20, 30)
        assert (message.body, message.receive_count) == ("body", 1)
    assert naps.most == [0.2, 0.4]
    assert naps.taken == [0.1, 0.2]


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
async def test_a_fault_that_stays_is_a_dependency_that_is_away(fault: bytes) -> None:
    naps = Naps()
    async with serving(URL, fault) as script, queue_at(script, naps) as queue:
        with pytest.raises(Unavailable) as caught:
            await queue.receive(10, 20, 30)
    assert caught.value.dependency == "sqs"
    assert "secret" not in caught.value.detail
    assert len(naps.taken) == SQS.attempts - 1


@pytest.mark.parametrize(("detail", "fault"), FINAL.items(), ids=FINAL)
async def test_a_refusal_is_told_at_once(detail: str, fault: bytes) -> None:
    naps = Naps()
    async with serving(URL, fault) as script, queue_at(script, naps) as queue:
        with pytest.raises(Unavailable) as caught:
            await queue.receive(10, 20, 30)
    assert caught.value.detail == detail
    assert naps.taken == []
    assert len(script.requests) == 2


async def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqs_client, "LONGEST_POLL", 0)
    monkeypatch.setattr(sqs_client, "ANSWER_SECONDS", 0.1)
    async with serving(URL, SILENCE) as script, queue_at(script) as queue:
        with pytest.raises(Unavailable, match="TimeoutError"):
            await queue.receive(10, 20, 30)


async def test_nobody_listening_is_a_dependency_that_is_away() -> None:
    async with queue_at(Script([], url="http://127.0.0.1:9")) as queue:
        with pytest.raises(Unavailable, match="ClientConnectorError"):
            await queue.receive(10, 20, 30)


async def test_sending_to_a_server_that_refuses_is_told() -> None:
    denied = answer(403, b'{"__type": "AccessDenied", "message": "not yours"}')
    async with serving(URL, denied) as script, queue_at(script) as queue:
        with pytest.raises(Unavailable, match="AccessDenied: not yours"):
            await queue.send("objects", "body")


async def test_a_queues_address_is_asked_for_once() -> None:
    async with serving(URL, RECEIVED, RECEIVED) as script, queue_at(script) as queue:
        await queue.receive(10, 20, 30)
        await queue.receive(10, 20, 30)
    assert [query(head)["Action"] for head in script.requests] == ["GetQueueUrl", "ReceiveMessage", "ReceiveMessage"]


def query(head: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(head.split(" ")[1]).query).items()}


async def test_a_request_asks_for_what_is_needed_and_is_signed() -> None:
    async with serving(URL, RECEIVED) as script, queue_at(script) as queue:
        await queue.receive(7, 99, 33)
    head = script.requests[1]
    assert query(head) == {
        "Action": "ReceiveMessage",
        "Version": "2012-11-05",
        "QueueUrl": "https://sqs/1/objects",
        "MaxNumberOfMessages": "7",
        "WaitTimeSeconds": "20",
        "VisibilityTimeout": "33",
        "AttributeName.1": "ApproximateReceiveCount",
    }
    assert re.search(r"Authorization: AWS4-HMAC-SHA256 Credential=AKIAMADEUP/\d{8}/eu-central-1/sqs/aws4_request", head)


async def test_a_session_token_travels_with_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "the-token")
    async with serving(URL, RECEIVED) as script, queue_at(script) as queue:
        await queue.receive(10, 20, 30)
    assert "x-amz-security-token: the-token" in script.requests[0]
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token" in script.requests[0]


@pytest.mark.parametrize(("length", "requests"), [(400, 1), (600, 2), (1_000, 2), (5_000, 10), (9_000, 10)])
async def test_long_receipts_are_spread_over_requests_that_servers_still_read(length: int, requests: int) -> None:
    receipts = [f"{number}".ljust(length, "x") for number in range(10)]
    async with serving(URL, ok("DeleteMessageBatch")) as script, queue_at(script) as queue:
        assert await queue.delete(receipts) == []
    sent = [query(head) for head in script.requests[1:]]
    assert len(sent) == requests
    carried = [value for one in sent for name, value in one.items() if name.endswith("ReceiptHandle")]
    assert sorted(carried) == receipts
    if length < URL_LENGTH - 500:
        assert all(len(head.split("\r\n")[0]) <= URL_LENGTH for head in script.requests)


async def test_the_length_that_counts_is_the_encoded_one() -> None:
    async with serving(URL, ok("DeleteMessageBatch")) as script, queue_at(script) as queue:
        await queue.delete(["/+=" * 200 for _ in range(10)])
    assert all(len(head.split("\r\n")[0]) <= URL_LENGTH for head in script.requests)


@pytest.mark.parametrize("seconds", [0, 60])
async def test_each_entry_says_how_long_it_is_to_be_hidden(seconds: int) -> None:
    async with serving(URL, ok("ChangeMessageVisibilityBatch")) as script, queue_at(script) as queue:
        await queue.extend(["a", "b"], seconds)
    entry = "ChangeMessageVisibilityBatchRequestEntry"
    sent = query(script.requests[1])
    assert [sent[f"{entry}.{n}.VisibilityTimeout"] for n in (1, 2)] == [str(seconds)] * 2
    assert [sent[f"{entry}.{n}.ReceiptHandle"] for n in (1, 2)] == ["a", "b"]


async def test_entries_that_failed_are_told_by_their_receipts() -> None:
    failed = "<BatchResultErrorEntry><Id>{}</Id><Code>InternalError</Code></BatchResultErrorEntry>"
    first = ok("DeleteMessageBatch", failed.format(9) + failed.format("odd"))
    second = ok("DeleteMessageBatch", failed.format(0))
    async with serving(URL, first, second) as script, queue_at(script) as queue:
        assert await queue.delete([str(number) for number in range(12)]) == ["9", "10"]


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("https://sqs.eu-central-1.amazonaws.com", "sqs.eu-central-1.amazonaws.com"),
        ("https://sqs.example.org:443", "sqs.example.org"),
        ("http://localhost:80", "localhost"),
        ("http://localhost:4566", "localhost:4566"),
        ("https://localhost:80", "localhost:80"),
        ("http://[::1]:4566", "[::1]:4566"),
    ],
)
async def test_the_host_that_is_signed_is_the_one_that_is_sent(endpoint: str, host: str) -> None:
    settings = settings_at("http://127.0.0.1:9")
    async with connect(settings, services=("sqs",)) as clients:
        client = sqs_client.Client("eu-central-1", endpoint, clients.credentials)
        assert client.host == host
        await client.close()
