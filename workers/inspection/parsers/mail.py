"""The examiner `mail`: messages as files, of the internet (EML) and of Outlook (MSG).

Attachments, and messages within messages of the internet, are members. What a mail program shows is examined here: HTML
for scripts, embedded content, links of schemes that start programs and what is loaded from a network share; rich text
as documents are. Pictures on the web are no finding: mail programs ask before they load them.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO

from workers.inspection.parsers import markup, office
from workers.inspection.parsers.deduplicated import DeduplicatedOutput
from workers.inspection.parsers.documents.ole.container import COMPOUND_ERRORS, open_container
from workers.inspection.parsers.documents.package import MalformedDocument
from workers.inspection.parsers.mails.entity import parse_entity
from workers.inspection.parsers.mails.internet import examine_mime
from workers.inspection.parsers.mails.outlook import OutlookMessage
from workers.inspection.parsers.port import LimitExceeded, Output
from workers.inspection.readings import Reading

_CODECS = (
    "ascii", "utf_7", "utf_8", "utf_16", "utf_16_le", "utf_16_be", "utf_32", "latin_1", "iso8859_2", "iso8859_5",
    "iso8859_8", "iso8859_9", "iso8859_15", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256",
    "cp1257", "koi8_r", "koi8_u", "shift_jis", "cp932", "euc_jp", "iso2022_jp", "iso2022_kr", "gb2312", "gbk",
    "gb18030", "hz", "big5", "euc_kr", "cp949", "cp950", "idna", "raw_unicode_escape",
)  # fmt: skip
MODULES: Sequence[str] = (
    "olefile", "compressed_rtf", *(f"encodings.{each}" for each in _CODECS), *markup.MODULES, *office.MODULES
)  # fmt: skip
DEFAULTS: Mapping[str, int] = MappingProxyType({"mail_bytes": 128 << 20, "mail_parts": 1000, "mail_depth": 20})

_BOM = b"\xef\xbb\xbf"
_USUAL = frozenset(
    {"from", "to", "cc", "bcc", "subject", "date", "received", "mime-version", "message-id", "return-path", "sender",
     "reply-to", "delivered-to", "content-type", "x-mozilla-status", "resent-from", "in-reply-to", "references",
     "newsgroups"}
)  # fmt: skip
# Every entry of a directory takes 128 bytes of the file, so its size bounds them.
_MAX_STREAMS = 1_000_000


def examine(file: BinaryIO, size: int, reading: Reading, limits: Mapping[str, int], output: Output) -> None:
    """Examine one message (see `workers.inspection.parsers.port.Examiner`)."""
    output = DeduplicatedOutput(output)
    try:
        if reading.media_type == "message/rfc822":
            _internet(file, size, reading.start, limits, output)
        else:
            _outlook(file, size, limits, output)
    except MalformedDocument as error:
        output.finding("malformed", str(error))


def _internet(file: BinaryIO, size: int, start: int, limits: Mapping[str, int], output: Output) -> None:
    if size - start > limits["mail_bytes"]:
        raise LimitExceeded(f"The message has {size} bytes; the limit is {limits['mail_bytes']} (mail_bytes).")
    file.seek(start)
    raw = file.read().removeprefix(_BOM).lstrip(b"\r\n")
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    if not _USUAL & {name.lower() for name in parse_entity(raw).headers}:
        raise MalformedDocument("It has none of the headers that messages have.")
    examine_mime(raw, limits, output)


def _outlook(file: BinaryIO, size: int, limits: Mapping[str, int], output: Output) -> None:
    try:
        OutlookMessage(limits, output).examine(open_container(file, size, _MAX_STREAMS))
    except RecursionError:
        raise
    except COMPOUND_ERRORS as error:
        raise MalformedDocument("The message's container is damaged.") from error
