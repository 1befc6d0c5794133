"""Good files of the commonest formats."""

import gzip
from collections.abc import Mapping

from airlock.content.media_types import EXTENSIONS
from tests.workers.inspection.checks.samples import TEXTS, zipped
from tests.workers.inspection.corpus import archives, documents
from tests.workers.inspection.corpus.images import picture
from tests.workers.inspection.corpus.sample_inspector import Sample
from tests.workers.inspection.parsers.compound_samples import excel, powerpoint, word

_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9" fill="#123"/></svg>\n'
_HTML = b"<!DOCTYPE html>\n<html><head><title>Minutes</title></head><body><p>We <b>met</b>.</p></body></html>\n"
_XML = b'<?xml version="1.0" encoding="UTF-8"?>\n<minutes><item number="1">We met.</item></minutes>\n'

_BODIES: Mapping[str, bytes] = {
    "png": picture("PNG"),
    "jpg": picture("JPEG"),
    "gif": picture("GIF", frames=3),
    "webp": picture("WEBP"),
    "tiff": picture("TIFF", frames=2),
    "bmp": picture("BMP"),
    "pdf": documents.pdf(),
    "docx": documents.open_xml("word"),
    "xlsx": documents.open_xml("xl"),
    "pptx": documents.open_xml("ppt"),
    "odt": documents.open_document(),
    "doc": word(),
    "xls": excel(),
    "ppt": powerpoint(),
    "svg": _SVG,
    "html": _HTML,
    "xml": _XML,
    "csv": TEXTS["text/csv"],
    "json": TEXTS["application/json"],
    "txt": TEXTS["text/plain"],
    "zip": zipped({"minutes.txt": TEXTS["text/plain"], "photo.png": picture("PNG"), "a.pdf": documents.pdf()}),
    "tar": archives.tarred(),
    "7z": archives.seven_zipped(),
    "tar.gz": gzip.compress(archives.tarred()),
    **archives.streams(),
}

GOOD: Mapping[str, Sample] = {
    name: Sample(f"minutes.{name}", EXTENSIONS[name.rpartition(".")[2]], body) for name, body in _BODIES.items()
}
