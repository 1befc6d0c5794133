"""SQS's XML: as AWS writes it, as emulators write it, and what is none."""

import pytest

from aws.sqs.answers import Failed, Received, Refusal, UnreadableAnswer, failures, messages, queue_url, read

NAMESPACE = ' xmlns="http://queue.amazonaws.com/doc/2012-11-05/"'
RECEIVED = """<ReceiveMessageResponse{namespace}><ReceiveMessageResult>
  <Message>
    <MessageId>m1</MessageId><ReceiptHandle>r1==</ReceiptHandle><MD5OfBody>md5</MD5OfBody>
    <Body>{body}</Body>
    <Attribute><Name>ApproximateReceiveCount</Name><Value>2</Value></Attribute>
    <Attribute><Name>SentTimestamp</Name><Value>1700000000123</Value></Attribute>
    <MessageAttribute><Name>a</Name><Value><StringValue>b</StringValue></Value></MessageAttribute>
  </Message>
  <Message><MessageId>m2</MessageId><ReceiptHandle>r2</ReceiptHandle><MD5OfBody/><Body/></Message>
</ReceiveMessageResult><ResponseMetadata><RequestId>q</RequestId></ResponseMetadata></ReceiveMessageResponse>"""
ATTRIBUTES = {"ApproximateReceiveCount": "2", "SentTimestamp": "1700000000123"}


@pytest.mark.parametrize("namespace", ["", NAMESPACE])
@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("utf-8", False), ("utf-8", True), ("utf-16", False), ("utf-16", True), ("iso-8859-1", True)],
)
def test_messages_are_read_whatever_the_namespace_and_encoding(namespace: str, encoding: str, declared: bool) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?>' if declared else ""
    text = head + RECEIVED.format(namespace=namespace, body="  &lt;é&gt;&amp;&#13;\n ")
    assert messages(read(text.encode(encoding))) == [
        Received("m1", "r1==", "  <é>&\r\n ", ATTRIBUTES),
        Received("m2", "r2", "", {}),
    ]


def test_a_message_tells_how_often_it_was_received() -> None:
    message = messages(read(RECEIVED.format(namespace=NAMESPACE, body="").encode()))[0]
    assert message.receive_count == 2


@pytest.mark.parametrize("namespace", ["", NAMESPACE])
def test_no_messages_are_none(namespace: str) -> None:
    empty = f"<ReceiveMessageResponse{namespace}><ReceiveMessageResult/></ReceiveMessageResponse>"
    assert messages(read(empty.encode())) == []


@pytest.mark.parametrize("namespace", ["", NAMESPACE])
def test_a_batch_tells_what_it_did_not_do(namespace: str) -> None:
    answer = f"""<DeleteMessageBatchResponse{namespace}><DeleteMessageBatchResult>
      <DeleteMessageBatchResultEntry><Id>0</Id></DeleteMessageBatchResultEntry>
      <BatchResultErrorEntry><Id>1</Id><Code>InternalError</Code><SenderFault>false</SenderFault></BatchResultErrorEntry>
      <BatchResultErrorEntry><Id>2</Id><Code>ReceiptHandleIsInvalid</Code><SenderFault>true</SenderFault>
      </BatchResultErrorEntry></DeleteMessageBatchResult></DeleteMessageBatchResponse>"""
    assert failures(read(answer.encode()), "DeleteMessageBatch") == [
        Failed("1", "InternalError"),
        Failed("2", "ReceiptHandleIsInvalid"),
    ]


@pytest.mark.parametrize("namespace", ["", NAMESPACE])
def test_an_error_is_a_refusal_with_its_code(namespace: str) -> None:
    answer = f"<ErrorResponse{namespace}><Error><Type>Sender</Type><Code>Throttling</Code></Error></ErrorResponse>"
    with pytest.raises(Refusal) as caught:
        read(answer.encode())
    assert caught.value.code == "Throttling"


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
    ],
)
def test_what_is_no_answer_is_unreadable(answer: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        read(answer)


def test_an_answer_to_something_else_is_unreadable() -> None:
    root = read(b"<OtherResponse><OtherResult/></OtherResponse>")
    for reader in (messages, queue_url, lambda root: failures(root, "DeleteMessageBatch")):
        with pytest.raises(UnreadableAnswer):
            reader(root)
    with pytest.raises(UnreadableAnswer):
        queue_url(read(b"<GetQueueUrlResponse><GetQueueUrlResult/></GetQueueUrlResponse>"))


def test_a_file_is_never_read() -> None:
    hostile = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'
    with pytest.raises(UnreadableAnswer):
        read(hostile)
