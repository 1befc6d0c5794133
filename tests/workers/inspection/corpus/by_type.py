"""A good file of each media type that a shipped profile names."""

from collections.abc import Mapping

from airlock.content.media_types import EXTENSIONS
from tests.workers.inspection.checks.samples import TEXTS
from tests.workers.inspection.corpus import archives
from tests.workers.inspection.corpus.documents import pdf
from tests.workers.inspection.corpus.good import GOOD
from tests.workers.inspection.corpus.sample_inspector import Sample
from tests.workers.inspection.parsers import media_samples
from tests.workers.inspection.parsers.compound_samples import excel, powerpoint, word
from tests.workers.inspection.parsers.image_samples import GOOD as PICTURES
from tests.workers.inspection.parsers.mail_samples import message, outlook
from tests.workers.inspection.parsers.media_samples import made
from tests.workers.inspection.parsers.office_samples import open_document, open_xml, zipped
from tests.workers.inspection.parsers.test_archive_system import cabinet, lha, rar5, rar5_file

_OOXML = "application/vnd.openxmlformats-officedocument."
_WORD = b"wordprocessingml.document"


def _open_xml(kind: str) -> bytes:
    """A document of another kind than a Word document, by the content type of its main part."""
    main = {"w": "word/document.xml", "s": "xl/workbook.xml", "p": "ppt/presentation.xml"}[kind[0]]
    return open_xml(main=main, types={main: f"{_OOXML}{kind}.main+xml"})


def _open_document(kind: str) -> bytes:
    return open_document(mimetype=f"application/vnd.oasis.opendocument.{kind}".encode())


_BOOK = zipped(
    {
        "mimetype": b"application/epub+zip",
        "META-INF/container.xml": b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"/>',
        "a.xhtml": b'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>a</title></head><body><p>a</p></body></html>',
    }
)

BODIES: Mapping[str, bytes] = {
    **{
        f"image/{name}": PICTURES[name]
        for name in ("png", "jpeg", "gif", "webp", "tiff", "bmp", "heic", "heif", "avif")
    },
    "application/pdf": pdf(),
    "application/rtf": rb"{\rtf1\ansi{\fonttbl\f0\fswiss Arial;}\f0\pard Dear \b all\b0.\par}",
    "application/msword": word(),
    "application/vnd.ms-excel": excel(),
    "application/vnd.ms-powerpoint": powerpoint(),
    **{
        _OOXML + kind: _open_xml(kind)
        for kind in (
            *("wordprocessingml.document", "wordprocessingml.template", "spreadsheetml.sheet"),
            *("presentationml.presentation", "presentationml.slideshow", "presentationml.template"),
        )
    },
    **{
        f"application/vnd.oasis.opendocument.{kind}": _open_document(kind)
        for kind in ("text", "spreadsheet", "presentation", "graphics")
    },
    "application/epub+zip": _BOOK,
    "message/rfc822": bytes(message()),
    "application/vnd.ms-outlook": outlook(),
    **TEXTS,
    "text/tab-separated-values": b"a\tb\n1\t2\n",
    "text/calendar": b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
    "text/vcard": b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna\r\nEND:VCARD\r\n",
    "application/geo+json": b'{"type": "FeatureCollection", "features": []}',
    "application/jsonl": b'{"a": 1}\n{"a": 2}\n',
    "application/zip": GOOD["zip"].body,
    "application/x-tar": archives.tarred(),
    "application/x-7z-compressed": archives.seven_zipped(),
    **{EXTENSIONS[name]: body for name, body in archives.streams().items()},
    "application/vnd.rar": rar5(rar5_file("a.txt")),
    "application/vnd.ms-cab-compressed": cabinet(),
    "application/x-lha": lha(),
    **{media_samples.media_type(name): body for name, body in media_samples.good().items()},
    "video/ogg": made("ogv", video="libvpx"),
    "video/3gpp2": made("3g2", video="mpeg4", audio="aac"),
    "audio/webm": made("webm", audio="libopus"),
}


def sample(media_type: str) -> Sample:
    """The good file of a type, under the name that people give such files."""
    ending = next(name for name, kind in EXTENSIONS.items() if kind == media_type)
    return Sample(f"minutes.{ending}", media_type, BODIES[media_type])
