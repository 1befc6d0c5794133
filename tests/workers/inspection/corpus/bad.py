"""For every code of every check a file that has it, and all findings of that file."""

import stat
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from airlock.content.format import OCTET_STREAM
from airlock.content.media_types import EXTENSIONS
from airlock.verdict import Outcome
from tests.workers.harness import EICAR
from tests.workers.inspection.checks.samples import TEXTS, zipped
from tests.workers.inspection.corpus import archives, documents
from tests.workers.inspection.corpus.documents import open_xml, pdf, relation
from tests.workers.inspection.corpus.good import GOOD
from tests.workers.inspection.corpus.images import huge_png
from tests.workers.inspection.corpus.sample_inspector import Sample
from tests.workers.inspection.parsers.compound_samples import compound, native

REJECTED, INFECTED, UNSCANNABLE = Outcome.REJECTED, Outcome.INFECTED, Outcome.UNSCANNABLE


class BadSample(NamedTuple):
    """What is sent, under which changes to the profile and the intent, and the exact answer: `check:code` each."""

    filename: str
    make: Callable[[], bytes]
    outcome: Outcome
    codes: frozenset[str]
    changes: Mapping[str, Any]
    declared: str | None

    def sample(self) -> Sample:
        """The file. Its declared type is that of its extension, unless the changes have another one."""
        kind = self.declared or EXTENSIONS.get(self.filename.rpartition(".")[2], OCTET_STREAM)
        return Sample(self.filename, kind, self.make())


def _case(
    filename: str,
    body: bytes | Callable[[], bytes],
    outcome: Outcome,
    *codes: str,
    declared: str | None = None,
    **changes: Any,
) -> BadSample:
    make = body if callable(body) else lambda: body
    return BadSample(filename, make, outcome, frozenset(codes), changes, declared)


def _svg(inner: str, attributes: str = "") -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" {attributes}>{inner}</svg>\n'.encode()


def _good(name: str) -> bytes:
    return GOOD[name].body


_TXT = TEXTS["text/plain"]
_OLE = documents.compound({"EncryptionInfo": b"x", "EncryptedPackage": bytes(5000)})
_PACKAGE = compound({"\x01Ole10Native": native(b"a.exe", b"MZ" + bytes(99))})
_FRAME = '<foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" src="data:application/pdf,x"/></foreignObject>'
_LAUNCH = "/OpenAction << /S /Launch /F (calc.exe) >>"
_SCRIPT = "/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>"

CASES: tuple[BadSample, ...] = (
    _case("a.txt", _TXT, REJECTED, "size:too_small", min_bytes=5000),
    _case("a.txt", _TXT, REJECTED, "size:too_large", max_bytes=50),
    _case("a.txt", _TXT, REJECTED, "size:size_mismatch", size=5),
    _case("a.txt", _TXT, REJECTED, "checksum:checksum_mismatch", sha256="0" * 64),
    _case("a.png", _good("pdf"), REJECTED, "media_type:media_type_mismatch"),
    _case("a.png", _good("pdf"), REJECTED, "media_type:extension_mismatch", declared="application/pdf"),
    _case("a.exe", _TXT, REJECTED, "media_type:extension_mismatch", declared="text/plain"),
    _case("a.webp", _good("jpg"), REJECTED, "media_type:media_type_mismatch", content_types=("image/webp",)),
    _case("a.pdf", b"\1\2\3\4" + _good("pdf"), REJECTED, "media_type:leading_data"),
    _case(
        "a.gif",
        _good("gif")[:-1] + b";<script>alert(1)</script>",
        REJECTED,
        "media_type:polyglot",
        "worker:not_examined",
    ),
    _case("a.zip", zipped({"a.js": _TXT}), REJECTED, "media_type:member_not_allowed"),
    _case(
        "a.zip",
        zipped({"a.png": _good("png")}),
        REJECTED,
        "media_type:member_not_allowed",
        member_types=("text/plain",),
    ),
    _case("unheard", b"\0\1\2\3" * 99, UNSCANNABLE, "worker:not_examined"),
    _case("a.png", _good("png"), UNSCANNABLE, "worker:not_examined", checks=("size", "checksum", "media_type", "pdf")),
    _case("a.bin", EICAR, INFECTED, "yara:yara_match", "clamd:clamd_match"),
    _case("a.png", _good("png")[:-40], REJECTED, "image:truncated"),
    _case("a.png", _good("png").replace(b"IDAT", b"IDAT!", 1), REJECTED, "image:malformed"),
    _case("a.bmp", _good("bmp")[:30] + b"\4" + _good("bmp")[31:], UNSCANNABLE, "image:unsupported"),
    _case("a.png", lambda: huge_png(9000), UNSCANNABLE, "image:limits_exceeded", limits={"image_pixels": 10**7}),
    _case("a.gif", _good("gif"), UNSCANNABLE, "image:limits_exceeded", limits={"image_frames": 2}),
    _case("a.pdf", documents.pdf_with_password(), UNSCANNABLE, "pdf:encrypted", "clamd:encrypted"),
    _case("a.pdf", pdf(_SCRIPT), REJECTED, "pdf:javascript"),
    _case("a.pdf", pdf(_LAUNCH), REJECTED, "pdf:launch_action"),
    _case(
        "a.pdf",
        documents.pdf_with_attachment(),
        REJECTED,
        "media_type:member_not_allowed",
        member_types=("application/pdf",),
    ),
    _case("a.pdf", _good("pdf")[:160], REJECTED, "pdf:malformed"),
    _case("a.pdf", _good("pdf") + b"\0\1\2\3" * 999, REJECTED, "pdf:trailing_data"),
    _case("a.pdf", _good("pdf"), UNSCANNABLE, "pdf:limits_exceeded", limits={"pdf_objects": 2}),
    _case("a.svg", _svg("<script>alert(1)</script>"), REJECTED, "markup:script"),
    _case("a.svg", _svg("", 'onload="alert(1)"'), REJECTED, "markup:event_handler"),
    _case(
        "a.svg",
        _svg(
            '<foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" src="data:application/pdf,x"/></foreignObject>'
        ),
        REJECTED,
        "markup:foreign_object",
    ),
    _case("a.svg", _svg('<image href="https://x.example/a.png"/>'), REJECTED, "markup:external_reference"),
    _case(
        "a.xml",
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><a>&d;</a>\n',
        REJECTED,
        "markup:entity_expansion",
    ),
    _case("a.xml", b'<?xml version="1.0"?>\n<minutes><item>We met.</minutes>\n', REJECTED, "markup:malformed"),
    _case("a.svg", _svg("<g>" * 50 + "</g>" * 50), UNSCANNABLE, "markup:limits_exceeded", limits={"markup_depth": 20}),
    _case(
        "a.docx",
        open_xml("word", {"word/vbaProject.bin": b"x"}),
        REJECTED,
        "office:macros",
    ),
    _case(
        "a.docx",
        lambda: open_xml("word", {}, relation("attachedTemplate", "https://x.example/a.dotm", external=True)),
        REJECTED,
        "office:remote_template",
    ),
    _case(
        "a.docx",
        lambda: open_xml("word", {"word/embeddings/a.bin": _PACKAGE}, relation("oleObject", "embeddings/a.bin")),
        REJECTED,
        "office:embedded_object",
        "media_type:member_not_allowed",
        "worker:not_examined",
    ),
    _case("a.docx", _OLE, UNSCANNABLE, "office:encrypted"),
    _case("a.doc", documents.word(0x0100), UNSCANNABLE, "office:encrypted"),
    _case(
        "a.docx",
        open_xml("word", {"word/styles.xml": b"<s>"}),
        REJECTED,
        "office:malformed",
        checks=("size", "checksum", "media_type", "yara", "clamd", "office"),
    ),
    _case("a.docx", open_xml("word"), UNSCANNABLE, "office:limits_exceeded", limits={"office_entries": 2}),
    _case("a.zip", archives.encrypted_zip(), UNSCANNABLE, "archive:encrypted", "clamd:encrypted"),
    _case("a.7z", archives.seven_zipped("secret"), UNSCANNABLE, "archive:encrypted", "clamd:encrypted"),
    _case("a.zip", zipped({"../a.txt": _TXT}), REJECTED, "archive:path_traversal"),
    _case("a.tar", archives.tarred(kind=b"2"), REJECTED, "archive:link"),
    _case("a.zip", archives.zip_with_special_file("a", stat.S_IFLNK | 0o777), REJECTED, "archive:link"),
    _case("a.zip", archives.overlapping_zip, INFECTED, "archive:overlapping_entries", "clamd:clamd_match"),
    _case("a.zip", archives.zip_with_unknown_method(), UNSCANNABLE, "archive:unsupported_compression"),
    _case("a.gz", _good("gz")[:-9], REJECTED, "archive:malformed"),
    _case("a.gz", _good("gz") + b"more", REJECTED, "archive:trailing_data"),
    _case("a.zip", _good("zip"), UNSCANNABLE, "archive:limits_exceeded", limits={"archive_entries": 2}),
    _case("a.gz", _good("gz"), UNSCANNABLE, "archive:limits_exceeded", limits={"archive_bytes": 9}),
    _case(
        "a.gz",
        lambda: archives.zeros(1 << 26),
        UNSCANNABLE,
        "archive:limits_exceeded",
        "clamd:limits_exceeded",
        limits={"archive_bytes": 1 << 20},
    ),
    _case("a.tar.gz", _good("tar.gz"), UNSCANNABLE, "archive:limits_exceeded", limits={"archive_depth": 1}),
    _case(
        "a.zip",
        zipped({f"{number}.svg": _svg("<script>alert(1)</script>") for number in range(60)}),
        REJECTED,
        "markup:script",
        "worker:more_findings",
    ),
)
