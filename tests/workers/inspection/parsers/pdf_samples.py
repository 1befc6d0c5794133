"""PDFs that provoke each finding, made by pikepdf or written out byte by byte."""

import io
import struct
import zlib
from collections.abc import Callable

import pikepdf
from pikepdf import Array, Dictionary, Name, ObjectStreamMode, Pdf, String

CATALOG = b"<</Type/Catalog/Pages 2 0 R%s>>"
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
PAGE = b"<</Type/Page/MediaBox[0 0 9 9]/Parent 2 0 R/Resources<<>>%s>>"


def made(change: Callable[[Pdf], None] = lambda _: None, *, packed: bool = False, password: str | None = None) -> bytes:
    """A PDF of one page with a link to the web, changed; `packed` puts its objects into object streams."""
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page().obj
        link = Dictionary(S=Name.URI, URI=String("https://example.org/JavaScript?/Launch"))
        page.Annots = Array([pdf.make_indirect(Dictionary(Type=Name.Annot, Subtype=Name.Link, A=link))])
        change(pdf)
        target = io.BytesIO()
        pdf.save(
            target,
            object_stream_mode=ObjectStreamMode.generate if packed else ObjectStreamMode.disable,
            encryption=False if password is None else pikepdf.Encryption(owner="owner", user=password),
        )
    return target.getvalue()


def written(*objects: bytes, size: int | None = None) -> bytes:
    """These objects, numbered from 1, with a cross-reference table; the first is the catalog."""
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size or len(objects) + 1, table)
    return bytes(out)


def paged(*more: bytes, catalog: bytes = b"", page: bytes = b"") -> bytes:
    """One page by hand; the further objects are numbered from 4."""
    return written(CATALOG % catalog, PAGES, PAGE % page, *more)


def stream(content: bytes, keys: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (keys, len(content), content)


def with_object_stream(packed: bytes) -> bytes:
    """A PDF whose object 6 is the only one in an object stream, which is `packed` (deflated) and claims it at 4."""
    out = bytearray(b"%PDF-1.7\n")
    offsets = [0]
    holder = stream(packed, b"/Type/ObjStm/N 1/First 4/Filter/FlateDecode")
    for number, body in enumerate((CATALOG % b"/OpenAction 6 0 R", PAGES, PAGE % b"", holder), 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    offsets.append(len(out))
    rows = [(0, 0, 65535), *((1, offset, 0) for offset in offsets[1:]), (2, 4, 0)]
    table = b"".join(struct.pack(">BIH", *row) for row in rows)
    out += b"5 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (
        stream(table, b"/Type/XRef/Size 7/W[1 4 2]/Root 1 0 R"),
        offsets[5],
    )
    return bytes(out)


def object_stream(padding: int, body: bytes = b"<</S/JavaScript/JS(1)>>") -> bytes:
    """What `with_object_stream` takes: an object behind so many blanks, deflated."""
    deflate = zlib.compressobj(9)
    pieces = [deflate.compress(b"6 0 ")] + [deflate.compress(b" " * (1 << 20)) for _ in range(padding >> 20)]
    return b"".join([*pieces, deflate.compress(body), deflate.flush()])


def script(code: str = "app.alert(1)") -> Dictionary:
    return Dictionary(Type=Name.Action, S=Name.JavaScript, JS=String(code))


def attach(pdf: Pdf) -> None:
    pdf.attachments["a.txt"] = b"content"


def form(pdf: Pdf, text: bytes) -> None:
    half = len(text) // 2
    parts = [String("preamble"), pdf.make_stream(text[:half]), String("template"), pdf.make_stream(text[half:])]
    pdf.Root.AcroForm = Dictionary(Fields=Array([]), XFA=Array(parts))


def chain(pdf: Pdf, last: Dictionary, length: int = 50) -> None:
    """A chain of harmless actions, which ends in `last` and then begins anew."""
    first = action = pdf.make_indirect(Dictionary(S=Name.GoTo))
    for _ in range(length):
        action.Next = pdf.make_indirect(Dictionary(S=Name.GoTo))
        action = action.Next
    action.Next = Array([pdf.make_indirect(last), first])
    pdf.Root.OpenAction = first


def launch() -> Dictionary:
    return Dictionary(S=Name.Launch, F=String("cmd.exe"))
