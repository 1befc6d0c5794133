"""The files that are attached to a PDF, each a member: ISO 32000-2, 7.11.4. Also models and films that are played.

Every file specification with an embedded file counts, wherever it is used: the name tree, associated files (as of
e-invoices), annotations, portfolios, the assets of media.
"""

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from workers.inspection.parsers.pdfs.actions import Held
from workers.inspection.parsers.pdfs.texts import text_of, visible
from workers.inspection.parsers.port import Output

if TYPE_CHECKING:
    import pikepdf

_PIECE = 1 << 20


class Attachments:
    """Collects streams with their names; `hand_out` gives each to `output`, after all objects were examined."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._streams: dict[tuple[int, int], pikepdf.Object] = {}
        self._names: dict[tuple[int, int], list[str]] = {}

    def add(self, stream: object, name: str) -> None:
        """Add a stream. One that has several names is a member under each of them."""
        import pikepdf

        if isinstance(stream, pikepdf.Stream):
            self._streams[stream.objgen] = stream
            names = self._names.setdefault(stream.objgen, [])
            if name and name not in names:
                names.append(name)

    def add_specification(self, holder: Held) -> None:
        """Add the embedded files and the related files of one file specification."""
        import pikepdf

        name = _file_name(holder)
        if isinstance(embedded := holder.get("/EF"), pikepdf.Dictionary):
            for stream in embedded.as_dict().values():
                self.add(stream, name)
        if isinstance(related := holder.get("/RF"), pikepdf.Dictionary):
            for pairs in related.as_dict().values():
                self._add_pairs(pairs)

    def _add_pairs(self, pairs: object) -> None:
        import pikepdf

        names = list(pairs.as_list()) if isinstance(pairs, pikepdf.Array) else []
        for name, stream in zip(names[::2], names[1::2], strict=False):
            self.add(stream, _shown(name))

    def hand_out(self) -> None:
        for key, stream in self._streams.items():
            for name in self._names[key] or [""]:
                self._member(stream, name)

    def _member(self, stream: "pikepdf.Object", name: str) -> None:
        import pikepdf

        try:
            pieces = _pieces(stream)
            with self._output.member(name) as take:
                for piece in pieces:
                    take(piece)
        except zlib.error:
            self._output.finding("malformed", "A file that is attached to the PDF cannot be read.")
        except pikepdf.PdfError:
            # qpdf says the same for a filter that it does not know and for one that fails.
            self._output.finding("unsupported", "A file that is attached to the PDF cannot be unpacked.")


def _pieces(stream: "pikepdf.Object") -> Iterator[bytes]:
    """The content of a stream. What is only deflated is unpacked piece by piece: it may be larger than the memory."""
    import pikepdf

    filters = stream.get("/Filter")
    names = filters.as_list() if isinstance(filters, pikepdf.Array) else [filters] if filters is not None else []
    if "/DecodeParms" in stream or names not in ([], [pikepdf.Name.FlateDecode]):
        return iter([stream.read_bytes()])
    raw = memoryview(stream.get_raw_stream_buffer())
    cut = (raw[start : start + _PIECE] for start in range(0, len(raw), _PIECE))
    return _inflated(cut) if names else (bytes(each) for each in cut)


def _inflated(cut: Iterator[memoryview]) -> Iterator[bytes]:
    inflate = zlib.decompressobj()
    for piece in cut:
        yield inflate.decompress(piece, _PIECE)
        while inflate.unconsumed_tail:
            yield inflate.decompress(inflate.unconsumed_tail, _PIECE)
        if inflate.eof:
            return
    yield inflate.flush()


def _file_name(holder: Held) -> str:
    names = (_shown(holder.get(key)) for key in ("/UF", "/F", "/Unix", "/DOS", "/Mac"))
    return next((name for name in names if name), "")


def _shown(name: object) -> str:
    import pikepdf

    return visible(text_of(bytes(name))) if isinstance(name, pikepdf.String) else ""
