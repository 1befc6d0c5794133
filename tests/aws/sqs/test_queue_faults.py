"""SQS that fails: a limited number of tries with pauses, then Unavailable."""

import contextlib
import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from airlock.errors import Unavailable
from aws.clients import connect
from aws.retry import SQS
from aws.sqs import receiver
from aws.sqs.queue import Queue
from tests.aws import settings_at
from tests.aws.faults import RESET, SILENCE, Script, answer, serving

pytestmark = pytest.mark.usefixtures("made_up_keys")

NAMESPACE = ' xmlns="http://queue.amazonaws.com/doc/2012-11-05/"'


def received(inner: str = "") -> bytes:
    """An answer to ReceiveMessage, which is XML."""
    result = f"<ReceiveMessageResult>{inner}</ReceiveMessageResult>"
    return answer(200, f"<ReceiveMessageResponse{NAMESPACE}>{result}</ReceiveMessageResponse>".encode())


def ok(document: Any) -> bytes:
    """An answer to anything else, which is JSON."""
    return answer(200, json.dumps(document).encode(), headers="Content-Type: application/x-amz-json-1.0\r\n")


def refusal(code: str, status: int) -> bytes:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>secret</Message></Error>"
    return answer(status, f"<ErrorResponse{NAMESPACE}>{error}</ErrorResponse>".encode())


def batch(*done: int, refused: Sequence[str] = ()) -> bytes:
    """An answer to a batch request: the ids of the entries that were done, and of those that were not."""
    failed = [{"Id": each, "Code": "InternalError", "SenderFault": False} for each in refused]
    return ok({"Successful": [{"Id": str(each)} for each in done], "Failed": failed})


URL = ok({"QueueUrl": "https://sqs/1/objects"})
MESSAGE = (
    "<Message><MessageId>m</MessageId><ReceiptHandle>r</ReceiptHandle><Body>body</Body>"
    "<Attribute><Name>ApproximateReceiveCount</Name><Value>{count}</Value></Attribute></Message>"
)
RECEIVED = received(MESSAGE.format(count=1))
CUT = RECEIVED.replace(b"Content-Length: ", b"Content-Length: 9")
PASSING = {
    "503": refusal("ServiceUnavailable", 503),
    "500 of a proxy": answer(502, b"<html>Bad Gateway"),
    "500 with an answer": received().replace(b"200", b"500"),
    "throttled": refusal("RequestThrottled", 403),
    "throttled by a proxy": answer(429, b"slow down"),
    "reset": RESET,
    "cut": CUT,
    "cut XML": answer(200, RECEIVED.split(b"\r\n\r\n")[1][:-10]),
    "garbage": b"garbage\r\n\r\n",
    "HTML": answer(200, b"<html><body>Sign in</body></html>"),
    "no count": received("<Message/>"),
    "odd count": received(MESSAGE.format(count="many")),
}
FINAL = {
    "AccessDenied": refusal("AccessDenied", 403),
    "AWS.SimpleQueueService.NonExistentQueue": refusal("AWS.SimpleQueueService.NonExistentQueue", 400),
    "HTTP 404": answer(404, b"not here"),
    "HTTP 302": answer(302, b"", headers="Location: http://127.0.0.1:9/\r\n"),
}


@dataclass
class Naps:
    """Pauses that take no time. Records the longest that each could be, and how long it was."""

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
async def test_a_transient_fault_is_retried(fault: bytes) -> None:
    naps = Naps()
    async with serving(URL, fault, fault, RECEIVED) as script, queue_at(script, naps) as queue:
        (message,) = await queue.receive(10, 20, 30)
        assert (message.body, message.receive_count) == ("body", 1)
    assert naps.most == [0.2, 0.4]
    assert naps.taken == [0.1, 0.2]


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
async def test_a_fault_that_stays_makes_sqs_unavailable(fault: bytes) -> None:
    naps = Naps()
    async with serving(URL, fault) as script, queue_at(script, naps) as queue:
        with pytest.raises(Unavailable) as caught:
            await queue.receive(10, 20, 30)
    assert caught.value.dependency == "sqs"
    assert "secret" not in caught.value.detail
    assert len(naps.taken) == SQS.attempts - 1


@pytest.mark.parametrize(("detail", "fault"), FINAL.items(), ids=FINAL)
async def test_a_refusal_is_raised_without_a_retry(detail: str, fault: bytes) -> None:
    naps = Naps()
    async with serving(URL, fault) as script, queue_at(script, naps) as queue:
        with pytest.raises(Unavailable) as caught:
            await queue.receive(10, 20, 30)
    assert caught.value.detail == detail
    assert naps.taken == []
    assert len(script.requests) == 2


@pytest.mark.slow
async def test_a_server_that_never_answers_makes_sqs_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "LONGEST_POLL", 0)
    monkeypatch.setattr(receiver, "ANSWER_SECONDS", 0.1)
    async with serving(URL, SILENCE) as script, queue_at(script) as queue:
        with pytest.raises(Unavailable, match="TimeoutError"):
            await queue.receive(10, 20, 30)


async def test_a_refused_connection_makes_sqs_unavailable(no_pauses: None) -> None:
    async with queue_at(Script([], url="http://127.0.0.1:9")) as queue:
        with pytest.raises(Unavailable, match=r"EndpointConnectionError at 127\.0\.0\.1:9"):
            await queue.receive(10, 20, 30)


async def test_a_refused_message_makes_sqs_unavailable() -> None:
    denied = answer(403, b'{"__type": "AccessDenied", "message": "not yours"}')
    async with serving(URL, denied) as script, queue_at(script) as queue:
        with pytest.raises(Unavailable, match="AccessDenied: not yours"):
            await queue.send("objects", "body")


async def test_a_queues_url_is_requested_once() -> None:
    async with serving(URL, RECEIVED, RECEIVED) as script, queue_at(script) as queue:
        await queue.receive(10, 20, 30)
        await queue.receive(10, 20, 30)
    assert len(script.requests) == 3
    assert [query(head)["Action"] for head in script.requests[1:]] == ["ReceiveMessage", "ReceiveMessage"]


def query(head: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(head.split(" ")[1]).query).items()}


async def test_a_receive_request_has_its_parameters_and_is_signed() -> None:
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
        "MessageAttributeName.1": "All",
    }
    assert re.search(r"Authorization: AWS4-HMAC-SHA256 Credential=AKIAMADEUP/\d{8}/eu-central-1/sqs/aws4_request", head)


async def test_a_session_token_is_sent_and_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "the-token")
    async with serving(URL, RECEIVED) as script, queue_at(script) as queue:
        await queue.receive(10, 20, 30)
    assert "x-amz-security-token: the-token" in script.requests[1]
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token" in script.requests[1]


async def test_ten_messages_go_in_one_request() -> None:
    receipts = [f"r{number}" for number in range(12)]
    async with serving(URL, batch(*range(10)), batch(0, 1)) as script, queue_at(script) as queue:
        assert await queue.delete(receipts) == []
    sent = [json.loads(body) for body in script.bodies[1:]]
    assert [len(each["Entries"]) for each in sent] == [10, 2]
    assert [entry["ReceiptHandle"] for each in sent for entry in each["Entries"]] == receipts


@pytest.mark.parametrize("seconds", [0, 60])
async def test_each_entry_has_the_visibility_timeout(seconds: int) -> None:
    async with serving(URL, batch(0, 1)) as script, queue_at(script) as queue:
        assert await queue.extend(["a", "b"], seconds) == []
    entries = json.loads(script.bodies[1])["Entries"]
    hidden = {entry["ReceiptHandle"]: entry["VisibilityTimeout"] for entry in entries}
    assert hidden == {"a": seconds, "b": seconds}


async def test_receipts_that_are_not_confirmed_are_returned(caplog: pytest.LogCaptureFixture) -> None:
    answers = batch(*range(9), refused=["9", "odd"]), batch(1)
    async with serving(URL, *answers) as script, queue_at(script) as queue:
        assert await queue.delete([str(number) for number in range(12)]) == ["9", "10"]
    assert "InternalError" in caplog.text


async def test_a_web_page_confirms_no_receipt() -> None:
    """botocore takes a web page with status 200 for an answer."""
    async with serving(URL, answer(200, b"<html>Sign in")) as script, queue_at(script) as queue:
        assert await queue.delete(["r"]) == ["r"]


@pytest.mark.parametrize("fault", [RESET, answer(503, b"{}"), answer(404, b"not here")])
async def test_a_failed_deletion_makes_sqs_unavailable(fault: bytes, no_pauses: None) -> None:
    async with serving(URL, fault) as script, queue_at(script) as queue:
        with pytest.raises(Unavailable) as caught:
            await queue.delete(["r"])
    assert caught.value.dependency == "sqs"


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
        opened = receiver.Receiver("eu-central-1", endpoint, clients.credentials, SQS)
        assert opened.host == host
        await opened.close()
