"""SQS's XML answers to ReceiveMessage (query protocol, 2012-11-05) as messages. Namespaces are respected.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from lxml import etree  # type: ignore[import-untyped]  # it has no types of its own

Element: TypeAlias = Any

REDIRECTION = 300


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery of a message. `receive_count` is 1 for the first. `receipt` names this delivery to SQS.

    `attributes` are those that the sender set, as far as they are strings or numbers.
    """

    id: str
    receipt: str
    body: str
    receive_count: int
    attributes: Mapping[str, str] = field(default_factory=dict)


class UnreadableAnswer(Exception):
    """The answer is not SQS's XML, or lacks what every answer has."""


class ErrorAnswer(Exception):
    """An answer that says no: its HTTP status, and SQS's code, or `HTTP 502` where a proxy answered in its place."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


def messages(status: int, body: bytes) -> list[Message]:
    """The messages in an answer, in its order. Raises ErrorAnswer or UnreadableAnswer.

    Bytes go in, so that an encoding in the XML declaration is respected.
    """
    try:
        root = _parsed(body)
    except UnreadableAnswer:
        if status >= REDIRECTION:
            raise ErrorAnswer(status, f"HTTP {status}") from None
        raise
    if (error := root.find("{*}Error")) is not None:
        raise ErrorAnswer(status, _text(error, "Code"))
    if status >= REDIRECTION:
        raise ErrorAnswer(status, f"HTTP {status}")
    result = root.find("{*}ReceiveMessageResult")
    if result is None:
        raise UnreadableAnswer("no ReceiveMessageResult")
    return [_message(element) for element in result.iterfind("{*}Message")]


def _parsed(body: bytes) -> Element:
    """The root. No entity, document type or address in the XML is followed."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        raise UnreadableAnswer("not XML") from None
    if root.getroottree().docinfo.doctype:
        raise UnreadableAnswer("XML with a document type")
    return root


def _message(element: Element) -> Message:
    attributes = {_text(each, "Name"): _text(each, "Value") for each in element.iterfind("{*}Attribute")}
    try:
        count = int(attributes["ApproximateReceiveCount"])
    except (KeyError, ValueError):
        raise UnreadableAnswer("a message without ApproximateReceiveCount") from None
    set_by_sender = {
        _text(each, "Name"): each.findtext("{*}Value/{*}StringValue") or ""
        for each in element.iterfind("{*}MessageAttribute")
    }
    return Message(
        _text(element, "MessageId"), _text(element, "ReceiptHandle"), _text(element, "Body"), count, set_by_sender
    )


def _text(element: Element, tag: str) -> str:
    return element.findtext(f"{{*}}{tag}") or ""
