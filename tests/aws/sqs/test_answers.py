"""SQS's XML answers: as AWS and emulators write them, and other answers."""

import pytest

from aws.sqs.answers import ErrorAnswer, Message, UnreadableAnswer, messages

NAMESPACE = ' xmlns="http://queue.amazonaws.com/doc/2012-11-05/"'
RECEIVED = """<ReceiveMessageResponse{namespace}><ReceiveMessageResult>
  <Message>
    <MessageId>m1</MessageId><ReceiptHandle>r1==</ReceiptHandle><MD5OfBody>md5</MD5OfBody>
    <Body>{body}</Body>
    <Attribute><Name>SentTimestamp</Name><Value>1700000000123</Value></Attribute>
    <Attribute><Name>ApproximateReceiveCount</Name><Value>2</Value></Attribute>
    <MessageAttribute><Name>a</Name><Value><StringValue>b</StringValue></Value></MessageAttribute>
  </Message>
  <Message><MessageId>m2</MessageId><ReceiptHandle>r2</ReceiptHandle><MD5OfBody/><Body/>
    <Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>
  </Message>
</ReceiveMessageResult><ResponseMetadata><RequestId>q</RequestId></ResponseMetadata></ReceiveMessageResponse>"""


@pytest.mark.parametrize("namespace", ["", NAMESPACE])
@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("utf-8", False), ("utf-8", True), ("utf-16", False), ("utf-16", True), ("iso-8859-1", True)],
)
def test_messages_are_read_whatever_the_namespace_and_encoding(namespace: str, encoding: str, declared: bool) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?>' if declared else ""
    text = head + RECEIVED.format(namespace=namespace, body="  &lt;é&gt;&amp;&#13;\n ")
    assert messages(200, text.encode(encoding)) == [
        Message("m1", "r1==", "  <é>&\r\n ", 2, {"a": "b"}),
        Message("m2", "r2", "", 1),
    ]


@pytest.mark.parametrize("namespace", ["", NAMESPACE])
def test_an_answer_without_messages_is_an_empty_list(namespace: str) -> None:
    empty = f"<ReceiveMessageResponse{namespace}><ReceiveMessageResult/></ReceiveMessageResponse>"
    assert messages(200, empty.encode()) == []


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("namespace", ["", NAMESPACE])
def test_an_error_has_its_code_and_status(namespace: str, status: int) -> None:
    answer = f"<ErrorResponse{namespace}><Error><Type>Sender</Type><Code>Throttling</Code></Error></ErrorResponse>"
    with pytest.raises(ErrorAnswer) as caught:
        messages(status, answer.encode())
    assert (caught.value.code, caught.value.status) == ("Throttling", status)


@pytest.mark.parametrize("answer", [b"", b"<html>Bad Gateway", RECEIVED.format(namespace="", body="").encode()])
@pytest.mark.parametrize("status", [302, 404, 502])
def test_a_bad_status_is_an_error_whatever_the_answer_holds(status: int, answer: bytes) -> None:
    with pytest.raises(ErrorAnswer) as caught:
        messages(status, answer)
    assert (caught.value.code, caught.value.status) == (f"HTTP {status}", status)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage",
        b"<html><body>Bad Gateway",
        b"\xff\xfe\x00",
        b'<?xml version="1.0" encoding="no-such-encoding"?><a/>',
        b"<ReceiveMessageResponse><ReceiveMessageResult><Message>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>',
        b"<OtherResponse><OtherResult/></OtherResponse>",
        b"<ReceiveMessageResponse><ReceiveMessageResult><Message/></ReceiveMessageResult></ReceiveMessageResponse>",
        RECEIVED.format(namespace="", body="").replace("<Value>2<", "<Value>many<").encode(),
    ],
)
def test_another_answer_cannot_be_read(answer: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        messages(200, answer)
