"""Messages as mail programs write them, and the containers that Outlook keeps them in."""

import struct
from collections.abc import Mapping
from email.message import EmailMessage

from tests.workers.inspection.parsers.compound_samples import compound

RELAYED = b"Received: from a.example by b.example; Fri, 27 Nov 2026 10:00:00 +0000\r\n"
HEAD = RELAYED + b"From: a@example.org\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n"


def message(text: str = "Dear all", html: str = "") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@example.org", "b@example.org", "Minutes of the 3rd"
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    return made


def with_html(html: str) -> bytes:
    return message(html=html).as_bytes()


def with_file(name: str, content: bytes = b"%PDF-1.7", kind: str = "application/pdf") -> bytes:
    made = message()
    main, _, sub = kind.partition("/")
    made.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return made.as_bytes()


def multipart(*parts: bytes, kind: bytes = b"mixed", edge: bytes = b"edge", end: bytes = b"--edge--\r\n") -> bytes:
    head = HEAD + b"Content-Type: multipart/" + kind + b'; boundary="' + edge + b'"\r\n\r\n'
    return head + b"".join(b"--" + edge + b"\r\n" + part + b"\r\n" for part in parts) + end


def part(headers: str, body: bytes = b"Hello") -> bytes:
    return headers.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body


def properties(longs: Mapping[int, int], header: int) -> bytes:
    """A property stream ([MS-OXMSG], 2.4) with these properties of type PT_LONG behind a header of `header` bytes."""
    return bytes(header) + b"".join(struct.pack("<HHIQ", 3, name, 6, value) for name, value in longs.items())


def wide(text: str) -> bytes:
    return text.encode("utf-16-le") + b"\0\0"


def outlook(
    streams: Mapping[str, bytes] | None = None, kind: str = "IPM.Note", longs: Mapping[int, int] | None = None
) -> bytes:
    """A message with these streams; "1000001F" stands for the property's stream, in storages too."""
    named = {
        "__properties_version1.0": properties(longs or {}, 32),
        "__substg1.0_001A001F": wide(kind),
        **{_path(name): content for name, content in (streams or {}).items()},
    }
    return compound(named)


def _path(name: str) -> str:
    """The writer pads streams with NULs, which readers of text and bytes put up with here."""
    return "/".join(
        each if each.startswith("_") or "\x01" in each else f"__substg1.0_{each}" for each in name.split("/")
    )


def attached(number: int, streams: Mapping[str, bytes]) -> dict[str, bytes]:
    """An attachment's storage; see `outlook`."""
    return {f"__attach_version1.0_#{number:08X}/{name}": content for name, content in streams.items()}


def named_property(local: int, index: int = 0) -> dict[str, bytes]:
    """The map of named properties, where the local identifier is that of the property 0x8000 + `index`."""
    return {"__nameid_version1.0/00030102": struct.pack("<IHH", local, 6, index)}
