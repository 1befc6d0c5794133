"""What is found in one object of a PDF."""

import re
from typing import TYPE_CHECKING, cast

from workers.inspection.parsers.pdfs.actions import KINDS, ActionExaminer, Held
from workers.inspection.parsers.pdfs.attachments import Attachments
from workers.inspection.parsers.pdfs.forms import examine_form
from workers.inspection.parsers.pdfs.places import Link, link_of
from workers.inspection.parsers.pdfs.scripts import Script, judged
from workers.inspection.parsers.pdfs.texts import name_of, text_of
from workers.inspection.parsers.port import Output

if TYPE_CHECKING:
    import pikepdf

# The text that qpdf writes has no escapes in names, and searching it is far quicker than walking the object. A value
# that stands in another object ("12 0 R") can be anything. A string can hold all of this: then the walk finds nothing.
_KEYS = "AA|PA|NA|OpenAction|JS|JavaScript|OnInstantiate|EF|RF|XFA|URI|Base|FS|UF|DOS|Unix|Mac|OPI|Ref|Movie|SWF"
_NOTABLE = re.compile(
    rf"/(?:(?:{_KEYS})\b|A (?:\d|<<)|F (?:[(<]|\d+ \d+ R)|S (?:\d|/(?:{'|'.join(KINDS)}|MCD)\b)"
    r"|Type (?:/EmbeddedFile|/3D|\d))".encode()
)
_MODELS = {"U3D": "model.u3d", "PRC": "model.prc"}


class ObjectExaminer:
    """Examines objects one by one; the objects that one refers to are examined by themselves."""

    def __init__(self, output: Output, attachments: Attachments) -> None:
        self._output = output
        self._attachments = attachments
        self._actions = ActionExaminer(output)

    def examine(self, one: object) -> None:
        import pikepdf

        if isinstance(one, pikepdf.Stream):
            self._stream(one)
        whole: object = one.stream_dict if isinstance(one, pikepdf.Stream) else one
        if not isinstance(whole, pikepdf.Object) or not _NOTABLE.search(whole.unparse(resolved=True)):
            return
        waiting: list[object] = [whole]
        while waiting:
            part = waiting.pop()
            if isinstance(part, pikepdf.Dictionary):
                held = cast("Held", part.as_dict())
                self._dictionary(held)
                waiting += [value for value in held.values() if _direct(value)]
            elif isinstance(part, pikepdf.Array):
                waiting += [value for value in part.as_list() if _direct(value)]

    def _stream(self, stream: "pikepdf.Object") -> None:
        import pikepdf

        if isinstance(stream.get("/F"), pikepdf.String | pikepdf.Dictionary):
            self._output.finding("external_stream", "The content of a stream of the PDF is in another file.")
        if stream.get("/Type") == pikepdf.Name.EmbeddedFile:
            self._attachments.add(stream, "")
        if stream.get("/Type") == pikepdf.Name("/3D"):
            self._attachments.add(stream, _MODELS.get(name_of(stream.get("/Subtype")), ""))

    def _dictionary(self, part: Held) -> None:
        import pikepdf

        kind = part.get("/S")
        if isinstance(kind, pikepdf.Name):
            self._actions.examine(part, name_of(kind))
        self._scripts(part, kind)
        self._uses(part)
        self._actions.files(part)
        if "/EF" in part or "/RF" in part:
            self._attachments.add_specification(part)
        if "/SWF" in part:
            self._attachments.add(part["/SWF"], "film.swf")
        if "/Ref" in part and isinstance(part["/Ref"], pikepdf.Dictionary) and "/F" in part["/Ref"]:
            self._output.finding("external_stream", "The PDF shows a page of another file.")
        if "/XFA" in part:
            examine_form(part["/XFA"], self._output)

    def _uses(self, part: Held) -> None:
        """Examine what the object does with actions and links."""
        for key in ("/OpenAction", "/NA"):  # the latter is of the next step of a presentation (12.4.4.2)
            if key in part:
                self._actions.by_itself(part[key])
        if "/AA" in part:
            self._actions.triggered(part["/AA"])
        for key in ("/A", "/PA"):
            if key in part:
                self._actions.clicked(part[key])
        if "/Movie" in part:
            self._actions.films(part["/Movie"])
        self._links(part)

    def _links(self, part: Held) -> None:
        import pikepdf

        for key in ("/URI", "/Base"):
            if key in part and isinstance(part[key], pikepdf.String):
                self._link(bytes(part[key]))

    def _link(self, address: bytes) -> None:
        link = link_of(address)
        if link == Link.UNSAFE:
            self._output.finding("unsafe_link", "A link of the PDF has a scheme that is not among those allowed.")
        elif link == Link.FILE:
            self._output.finding("external_link", "A link leads to another file, which opens when it is clicked.")

    def _scripts(self, part: Held, kind: object) -> None:
        """Report scripts. A font or a picture can be called /JS too, but is a stream and in no action."""
        import pikepdf

        if "/OnInstantiate" in part:
            self._output.finding("javascript", "A model in the PDF runs a script.")
        script = part.get("/JS")
        if script is None and kind is None:
            return
        if isinstance(script, pikepdf.String):
            self._script(bytes(script))
        elif isinstance(script, pikepdf.Stream) and kind is not None:
            self._script(script.read_bytes())
        elif kind == pikepdf.Name.JavaScript:
            self._output.finding("javascript", "The PDF contains JavaScript.")

    def _script(self, content: bytes) -> None:
        does = judged(text_of(content))
        if does == Script.MORE:
            self._output.finding("javascript", "The PDF contains JavaScript.")
        elif does == Script.FORMATS:
            self._output.finding("form_script", "Fields of the PDF's form are formatted by Acrobat's own functions.")


def _direct(value: object) -> bool:
    import pikepdf

    # The last test is slow, and most values are numbers, names and references.
    return (
        isinstance(value, pikepdf.Object)
        and not value.is_indirect
        and isinstance(value, pikepdf.Dictionary | pikepdf.Array)
    )
