"""SQS's XML answers (query protocol, 2012-11-05) as values. Namespaces are respected and nothing is dropped."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from lxml import etree  # type: ignore[import-untyped]  # it has no types of its own

Element: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Received:
    """One message as SQS told it: `attributes` are the system's, by name."""

    message_id: str
    receipt_handle: str
    body: str
    attributes: dict[str, str]

    @property
    def receive_count(self) -> int:
        """How often it was received, this time included."""
        return int(self.attributes["ApproximateReceiveCount"])


@dataclass(frozen=True, slots=True)
class Failed:
    """One entry of a batch that SQS did not do: the entry's id in the request, and SQS's code."""

    entry: str
    code: str


class UnreadableAnswer(Exception):
    """The answer is not SQS's XML."""


class Refusal(Exception):
    """An error that SQS told: its code, and the HTTP status that it came under once that is known."""

    def __init__(self, code: str, status: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


def read(answer: bytes) -> Element:
    """The root of an answer. Raises Refusal for an error that SQS told, UnreadableAnswer for what is no answer.

    Bytes go in, so that an encoding in the XML declaration is respected. No entity, DTD or address is followed.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(answer, parser)
    except etree.XMLSyntaxError:
        raise UnreadableAnswer("not XML") from None
    if root.getroottree().docinfo.doctype:
        raise UnreadableAnswer("XML with a document type")
    if (error := root.find("{*}Error")) is not None:
        raise Refusal(_text(error, "Code"))
    return root


def queue_url(root: Element) -> str:
    """The address in an answer to GetQueueUrl. Raises UnreadableAnswer when there is none."""
    if url := _text(_result(root, "GetQueueUrl"), "QueueUrl"):
        return url
    raise UnreadableAnswer("no QueueUrl")


def messages(root: Element) -> list[Received]:
    """The messages in an answer to ReceiveMessage, in its order."""
    return [_message(element) for element in _result(root, "ReceiveMessage").iterfind("{*}Message")]


def failures(root: Element, action: str) -> list[Failed]:
    """The entries that a batch `action` answered as not done; all others were."""
    return [
        Failed(_text(entry, "Id"), _text(entry, "Code"))
        for entry in _result(root, action).iterfind("{*}BatchResultErrorEntry")
    ]


def _result(root: Element, action: str) -> Element:
    result = root.find(f"{{*}}{action}Result")
    if result is None:
        raise UnreadableAnswer(f"no {action}Result")
    return result


def _message(element: Element) -> Received:
    return Received(
        message_id=_text(element, "MessageId"),
        receipt_handle=_text(element, "ReceiptHandle"),
        body=_text(element, "Body"),
        attributes={_text(a, "Name"): _text(a, "Value") for a in element.iterfind("{*}Attribute")},
    )


def _text(element: Element, tag: str) -> str:
    return element.findtext(f"{{*}}{tag}") or ""
