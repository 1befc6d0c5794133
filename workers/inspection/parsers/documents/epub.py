"""EPUB 3.3 (OCF container, package document, content documents) and EPUB 2: a zip of web pages.

Its pages, pictures and stylesheets are examined by the rules for markup: scripts and what is loaded from elsewhere.
Fonts may be obfuscated, which is no encryption; anything else that is encrypted cannot be examined.
"""

import io
import posixpath
import re
from collections.abc import Mapping
from urllib.parse import unquote

from workers.inspection.parsers import markup
from workers.inspection.parsers.documents.known_data import is_known_data
from workers.inspection.parsers.documents.package import EncryptedDocument, Package
from workers.inspection.parsers.documents.references import is_remote
from workers.inspection.parsers.documents.xml_parts import elements
from workers.inspection.parsers.port import Output
from workers.inspection.readings import Reading

_ENCRYPTION = "META-INF/encryption.xml"
_OBFUSCATION = frozenset({"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"})
_PAGE_BYTES = 64 << 20
_PAGES = {"xhtml": "application/xhtml+xml", "html": "application/xhtml+xml", "htm": "application/xhtml+xml",
          "svg": "image/svg+xml"}  # fmt: skip
_XML = frozenset({"opf", "ncx", "xml", "smil", "pls", "rdf", "xpgt", "plist"})
_SCRIPTS = frozenset({"js", "mjs"})
_PLAIN = frozenset({"mimetype", "META-INF/com.apple.ibooks.display-options.xml"})
_PAGE = re.compile(rb"<(?:[\w.-]+:)?(?:html|svg)[\s>]", re.IGNORECASE)
_REMOTE = "The book loads something from elsewhere when it is opened."


def examine_epub(package: Package, output: Output) -> None:
    """Examine one book. Raises what `Package` and `elements` raise, EncryptedDocument and LimitExceeded."""
    if _ENCRYPTION in package.names:
        for each in elements(package.pieces(_ENCRYPTION), ("EncryptionMethod",), output):
            if each.get("Algorithm") not in _OBFUSCATION:
                raise EncryptedDocument
    kinds = _media_types(package, output)
    for name in package.names:
        _part(package, name, kinds.get(name.rpartition("/")[2], ""), output)


def _media_types(package: Package, output: Output) -> Mapping[str, str]:
    """The media types that the package documents declare, by the files' names without their folders."""
    found = {}
    for name in package.names:
        if name.lower().endswith(".opf"):
            for item in elements(package.pieces(name), ("item",), output, doctype=True):
                package.check_unused({_in_folder_of(name, item.get("href"))})
                found[item.get("href").rpartition("/")[2]] = item.get("media-type").lower()
                if is_remote(item.get("href")):
                    output.finding("external_reference", _REMOTE)
    return found


def _in_folder_of(name: str, reference: str) -> str:
    """The part, in lower case, to which a reference in the part `name` leads."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(reference).partition("#")[0])).lower()


def _part(package: Package, name: str, media_type: str, output: Output) -> None:
    extension = name.rpartition(".")[2].lower()
    head = package.head(name)
    if extension in _SCRIPTS or "script" in media_type:
        output.finding("script", "The book has scripts.")
    elif extension in _PAGES or media_type in _PAGES.values() or _is_page(head):
        given = media_type if media_type in _PAGES.values() else _PAGES.get(extension, _PAGES["xhtml"])
        _page(package, name, given, output)
    elif extension == "css" or media_type == "text/css":
        markup.examine_stylesheet(package.read(name, _PAGE_BYTES), output)
    elif extension in _XML or media_type.endswith("xml"):
        for _ in elements(package.pieces(name), ("-",), output, doctype=True):
            pass
    elif name in _PLAIN or is_known_data(head) or _is_obfuscated(extension):
        package.verify(name)
    else:
        package.hand_out(name, output)


def _is_page(head: bytes) -> bool:
    text = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return text.startswith(b"<") and _PAGE.search(text) is not None


def _is_obfuscated(extension: str) -> bool:
    return extension in ("ttf", "otf", "woff", "woff2")


def _page(package: Package, name: str, media_type: str, output: Output) -> None:
    content = package.read(name, _PAGE_BYTES)
    markup.examine(io.BytesIO(content), len(content), Reading(media_type), markup.DEFAULTS, output)
