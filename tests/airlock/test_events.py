"""Message bodies: every envelope gives its events, and everything else is BadNotification with a reason."""

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airlock import events, upload_id
from airlock.errors import BadNotification
from airlock.events import Event, ObjectCreated, RescanRequested, WithdrawalRequested

CREATED = ObjectCreated(
    bucket="incoming-bucket",
    key="incoming/abc",
    version_id="096fKKXTRTtl3on89fVO.nfljtsv6qko",
    etag="d41d8cd98f00b204e9800998ecf8427e",
    size=1024,
    sequencer="0055AED6DCD90281E5",
)


def s3_record(**changes: Any) -> dict[str, Any]:
    """As in "Event message structure", Amazon S3 user guide."""
    item = {
        "key": "incoming/abc",
        "size": 1024,
        "eTag": "d41d8cd98f00b204e9800998ecf8427e",
        "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
        "sequencer": "0055AED6DCD90281E5",
    }
    return {
        "eventVersion": "2.2",
        "eventSource": "aws:s3",
        "awsRegion": "us-west-2",
        "eventTime": "1970-01-01T00:00:00.000Z",
        "eventName": "ObjectCreated:Post",
        "userIdentity": {"principalId": "AIDAJDPLRKLG7UEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "testConfigRule",
            "bucket": {
                "name": "incoming-bucket",
                "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                "arn": "arn:aws:s3:::incoming-bucket",
            },
            "object": {**item, **changes},
        },
    }


def s3_message(*records: dict[str, Any]) -> dict[str, Any]:
    return {"Records": list(records or [s3_record()])}


def event_bridge(**changes: Any) -> dict[str, Any]:
    """As in "EventBridge event message structure", Amazon S3 user guide."""
    item = {
        "key": "incoming/abc",
        "size": 1024,
        "etag": "d41d8cd98f00b204e9800998ecf8427e",
        "version-id": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
        "sequencer": "0055AED6DCD90281E5",
    }
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "111122223333",
        "time": "2021-11-12T00:00:00Z",
        "region": "ca-central-1",
        "resources": ["arn:aws:s3:::incoming-bucket"],
        "detail": {
            "version": "0",
            "bucket": {"name": "incoming-bucket"},
            "object": {**item, **changes},
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "123456789012",
            "source-ip-address": "1.2.3.4",
            "reason": "PutObject",
        },
    }


def in_sns(document: dict[str, Any]) -> dict[str, Any]:
    """As in "Amazon SNS notification JSON format", SNS guide."""
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:us-west-2:123456789012:MyTopic",
        "Subject": "Amazon S3 Notification",
        "Message": json.dumps(document),
        "Timestamp": "2012-05-02T00:54:06.655Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLEw6JRN...",
        "SigningCertURL": "https://sns.us-west-2.amazonaws.com/x.pem",
        "UnsubscribeURL": "https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe",
    }


TEST_EVENT = {
    "Service": "Amazon S3",
    "Event": "s3:TestEvent",
    "Time": "2014-10-13T15:57:02.089Z",
    "Bucket": "amzn-s3-demo-bucket",
    "RequestId": "5582815E1AEA5ADF",
    "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
}
WITHDRAWAL = json.loads(events.withdrawal("0" * 60))


def parse(document: object) -> list[Event]:
    return events.parse(json.dumps(document))


def reason(document: object) -> str:
    with pytest.raises(BadNotification) as caught:
        parse(document)
    return caught.value.reason


def assert_events_or_a_reason(body: str) -> None:
    """The one promise about hostile bodies; a reason must fit into a message attribute."""
    try:
        found = events.parse(body)
    except BadNotification as bad:
        assert bad.reason.isprintable()  # noqa: PT017 - the other branch is as good
        assert 0 < len(bad.reason) < 500  # noqa: PT017 - as above
    else:
        assert all(isinstance(event, ObjectCreated | WithdrawalRequested) for event in found)


@pytest.mark.parametrize(
    "document",
    [
        s3_message(),
        event_bridge(),
        in_sns(s3_message()),
        in_sns(event_bridge()),
        in_sns(in_sns(s3_message())),
        s3_message({**s3_record(), "eventName": "s3:ObjectCreated:Put"}),
    ],
    ids=["s3", "eventbridge", "sns", "sns-eventbridge", "sns-sns", "ministack"],
)
def test_every_envelope_gives_the_same_event(document: dict[str, Any]) -> None:
    assert parse(document) == [CREATED]


@pytest.mark.parametrize("kind", ["Put", "Post", "Copy", "CompleteMultipartUpload"])
def test_every_way_of_creating_an_object_counts(kind: str) -> None:
    assert parse(s3_message({**s3_record(), "eventName": f"ObjectCreated:{kind}"})) == [CREATED]


def test_every_record_of_a_message_is_an_event() -> None:
    keys = ["incoming/a", "incoming/b", "incoming/c"]
    found = parse(s3_message(*(s3_record(key=key) for key in keys)))
    assert [event.key for event in found if isinstance(event, ObjectCreated)] == keys


def test_one_bad_record_among_good_ones_makes_the_message_bad() -> None:
    assert "versioning" in reason(s3_message(s3_record(), s3_record(versionId=None)))


@pytest.mark.parametrize("wrap", [lambda document: document, in_sns], ids=["direct", "sns"])
def test_s3s_test_event_is_nothing_to_do(wrap: Any) -> None:
    assert parse(wrap(TEST_EVENT)) == []


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("incoming/a+b.png", "incoming/a b.png"),
        ("incoming/a%2Bb.png", "incoming/a+b.png"),
        ("incoming/gr%C3%BC%C3%9Fe", "incoming/grüße"),
        ("incoming/100%25", "incoming/100%"),
        ("incoming%2Fabc", "incoming/abc"),
    ],
)
def test_s3_encodes_keys_like_a_form_and_eventbridge_does_not(encoded: str, key: str) -> None:
    (direct,) = parse(s3_message(s3_record(key=encoded)))
    assert isinstance(direct, ObjectCreated)
    assert direct.key == key
    (bridged,) = parse(event_bridge(key=encoded))
    assert isinstance(bridged, ObjectCreated)
    assert bridged.key == encoded


def test_an_etag_is_given_without_quotes_and_a_sequencer_may_be_missing() -> None:
    record = s3_record(eTag='"abc-2"', size=0)
    del record["s3"]["object"]["sequencer"]
    (event,) = parse(s3_message(record))
    assert isinstance(event, ObjectCreated)
    assert (event.etag, event.sequencer, event.size) == ("abc-2", "", 0)


@pytest.mark.parametrize("version", [None, "", "null"])
def test_a_bucket_without_versions_is_named_as_the_reason(version: str | None) -> None:
    said = "no version id: versioning is off on the bucket 'incoming-bucket'"
    assert said in reason(s3_message(s3_record(versionId=version)))
    assert said in reason(event_bridge(**{"version-id": version}))


@pytest.mark.parametrize("name", ["ObjectRemoved:Delete", "s3:ObjectTagging:Put", "", "ObjectCreated"])
def test_an_event_of_another_kind_is_named(name: str) -> None:
    assert f"is of {name!r}, not of ObjectCreated" in reason(s3_message({**s3_record(), "eventName": name}))


def test_an_eventbridge_event_of_another_kind_is_named() -> None:
    assert "'Object Deleted'" in reason({**event_bridge(), "detail-type": "Object Deleted"})
    assert "'None'" in reason({"source": "aws.s3"})


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "not a JSON object"),
        ("text", "not a JSON object"),
        (None, "not a JSON object"),
        ({}, "no ObjectCreated notification"),
        ({"Records": []}, "not a list with something in it"),
        ({"Records": {}}, "not a list with something in it"),
        ({"Records": [7]}, "valid dictionary"),
        ({"Records": [{}]}, "eventName is not as expected: Field required"),
        (s3_message(s3_record(size=-1)), "s3.object.size"),
        (s3_message(s3_record(size=2**63)), "s3.object.size"),
        (s3_message(s3_record(size="big")), "s3.object.size"),
        (s3_message(s3_record(key="")), "s3.object.key"),
        (s3_message(s3_record(eTag=None)), "s3.object.eTag"),
        (event_bridge(size=-1), "object.size"),
        ({"source": "aws.s3", "detail-type": "Object Created"}, "not as expected"),
        ({"airlock": {}}, "asks neither for one withdrawal nor for one rescan"),
        ({"airlock": {"withdraw": ""}}, "withdraw"),
        ({"airlock": {"withdraw": "0" * 61}}, "withdraw"),
        ({"airlock": {"withdraw": "0" * 60 + "\n"}}, "withdraw"),
        ({"airlock": {"rescan": "session#" + "0" * 52}}, "rescan"),
        ({"airlock": {"release": "0" * 60}}, "asks neither"),
        ({"airlock": 7}, "not as expected"),
        ({**in_sns({}), "Message": "not JSON"}, "the message is not JSON"),
        ({**in_sns({}), "Message": 7}, "no ObjectCreated notification"),
        ({**in_sns({}), "Type": "SubscriptionConfirmation"}, "no ObjectCreated notification"),
        (in_sns(in_sns(in_sns(s3_message()))), "no ObjectCreated notification"),
    ],
)
def test_what_is_no_notification_is_told_why(document: object, said: str) -> None:
    assert said in reason(document)


@given(st.from_regex(re.compile(upload_id.FORM, re.ASCII), fullmatch=True))
def test_a_withdrawal_is_read_as_it_was_written(upload: str) -> None:
    assert events.parse(events.withdrawal(upload)) == [WithdrawalRequested(upload)]
    assert events.parse(events.rescan(upload)) == [RescanRequested(upload)]


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(
    st.builds(
        ObjectCreated,
        _TEXT,
        _TEXT,
        _TEXT.filter(lambda version: version != "null"),
        st.text("0a-b", min_size=1),
        st.integers(0, 2**63 - 1),
        st.text("0A9", max_size=16),
    )
)
def test_a_notification_of_ours_is_read_as_s3s_are(event: ObjectCreated) -> None:
    assert events.parse(events.notification(event)) == [event]


@pytest.mark.parametrize("asked", [{}, {"withdraw": "a", "rescan": "a"}, {"release": "a"}, {"rescan": ""}, []])
def test_what_we_did_not_ask_of_ourselves_is_bad(asked: object) -> None:
    reason({"airlock": asked})


@given(st.text())
@example("")
@example("{")
@example("\ud800")
@example('{"Records": [{"eventName": "\\ud800"}]}')
@example("\ufeff{}")
@example('{"source":"aws.s3","detail-type":' + "1" * 5000 + "}")
@example("[" * 100_000)
@example('{"a":' * 100_000 + "1" + "}" * 100_000)
@example('{"Records":' + "[" * 150 + "]" * 150 + "}")
@example('{"source":"aws.s3","detail-type":' + "[" * 150 + "]" * 150 + "}")
def test_any_text_is_events_or_a_reason(body: str) -> None:
    assert_events_or_a_reason(body)


@given(
    st.binary(),
    st.sampled_from(["utf-8", "latin-1", "utf-16"]),
    st.sampled_from(["replace", "surrogateescape", "ignore"]),
)
def test_any_bytes_are_events_or_a_reason(body: bytes, encoding: str, errors: str) -> None:
    try:
        text = body.decode(encoding, errors)
    except UnicodeDecodeError:  # utf-16 keeps no half of a character, whatever is asked of it
        return
    assert_events_or_a_reason(text)


names = st.sampled_from(
    [
        "Records",
        "eventName",
        "s3",
        "bucket",
        "name",
        "object",
        "key",
        "size",
        "eTag",
        "etag",
        "versionId",
        "version-id",
        "sequencer",
        "Event",
        "source",
        "detail-type",
        "detail",
        "Type",
        "Message",
        "airlock",
        "withdraw",
    ]
)
words = st.sampled_from(
    ["s3:TestEvent", "aws.s3", "Object Created", "Notification", "ObjectCreated:Put", "", "null", "%", "%ff", "{}"]
)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)


@given(documents)
def test_any_json_is_events_or_a_reason(document: object) -> None:
    assert_events_or_a_reason(json.dumps(document))
    assert_events_or_a_reason(json.dumps(document, ensure_ascii=False))


GOOD = (s3_message(s3_record(), s3_record()), event_bridge(), in_sns(s3_message()), TEST_EVENT, WITHDRAWAL)


def places(document: object) -> list[tuple[Any, Any]]:
    """Every (container, key or index) in a document."""
    if isinstance(document, dict):
        return [(document, name) for name in document] + [row for value in document.values() for row in places(value)]
    if isinstance(document, list):
        return [(document, at) for at in range(len(document))] + [row for value in document for row in places(value)]
    return []


@given(st.sampled_from(GOOD), st.data())
def test_a_good_notification_with_parts_changed_is_events_or_a_reason(
    good: dict[str, Any], data: st.DataObject
) -> None:
    document = copy.deepcopy(good)
    for _ in range(data.draw(st.integers(1, 3))):
        spots = places(document)
        if spots:
            container, at = data.draw(st.sampled_from(spots))
            if data.draw(st.booleans()):
                del container[at]
            else:
                container[at] = data.draw(documents)
    assert_events_or_a_reason(json.dumps(document))


@given(st.sampled_from(GOOD), st.integers(0, 2000), st.integers(0, 50), st.text(max_size=20))
def test_a_good_notification_cut_or_garbled_is_events_or_a_reason(
    good: dict[str, Any], start: int, removed: int, inserted: str
) -> None:
    body = json.dumps(good)
    assert_events_or_a_reason(body[:start] + inserted + body[start + removed :])
    assert_events_or_a_reason(body[:start])
