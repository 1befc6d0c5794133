"""Actions of a PDF: what each kind may do, where it is used and what it starts. ISO 32000-2, 12.6.

An action acts by a click, or by itself: as the file, a page or a field is opened, shown, entered or closed. What only
shows a place of the document may do so by itself.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from workers.inspection.parsers.documents.references import Place
from workers.inspection.parsers.pdfs.places import file_place
from workers.inspection.parsers.pdfs.texts import name_of
from workers.inspection.parsers.port import Output

if TYPE_CHECKING:
    import pikepdf

# They change what is shown of the document itself. NOP and SetState are of PDF 1.2.
_HARMLESS = frozenset(
    {"GoTo", "GoToDp", "Hide", "Named", "ResetForm", "SetOCGState", "Trans", "GoTo3DView", "Sound", "Movie",
     "Rendition", "URI", "NOP", "NoOp", "SetState"}
)  # fmt: skip
# They show another file, or a part of this one where they name none.
_TO_FILES = frozenset({"GoToR", "GoToE", "Thread"})
_REFUSED = {
    "Launch": ("launch_action", "The PDF can start a program."),
    "JavaScript": ("javascript", "The PDF contains JavaScript."),
    "SubmitForm": ("remote_action", "The PDF sends its form to an address."),
    "ImportData": ("remote_action", "The PDF brings in data of another file."),
    "RichMediaExecute": ("javascript", "The PDF runs a script in its media."),
}
KINDS = sorted(_HARMLESS | _TO_FILES | set(_REFUSED))
"""All kinds that are known."""

# The four of the standard, and items of menus that every reader has (Acrobat's app.listMenuItems).
_NAMED = frozenset(
    {"NextPage", "PrevPage", "FirstPage", "LastPage", "GoBack", "GoForward", "GoToPage", "Find", "FindAgain",
     "FindSearch", "Print", "PrintDialog", "PageSetup", "FullScreen", "FullScreenMode", "ActualSize", "FitPage",
     "FitWidth", "FitHeight", "FitVisible", "ZoomTo", "ZoomViewIn", "ZoomViewOut", "SinglePage", "OneColumn",
     "TwoColumns", "TwoPages", "ShowHideBookmarks", "ShowHideThumbnails", "ShowHideArticles", "ShowHideToolBar",
     "ShowHideMenuBar", "ShowHideAttachments", "ShowHideLayers", "ShowHideSignatures", "ShowHideComments", "SaveAs",
     "Save", "Close", "Quit", "Properties", "GeneralInfo", "HelpUserGuide", "ShowBookmarks", "ShowThumbs", "Info",
     "DocHelp_UserGuide", "Copy", "SelectAll", "FirstPageTouchUp", "PreviousView", "NextView", "AcroSrch:Query"}
)  # fmt: skip

Held = Mapping[str, Any]
"""A dictionary of a PDF by its keys, with the slash. Not to be iterated by key: a key need not be UTF-8."""

# Entering, leaving, opening, closing, showing, saving, printing, typing in: all triggers but a mouse button (12.6.3).
_BY_ITSELF = (
    "/E", "/X", "/Fo", "/Bl",
    "/PO", "/PC", "/PV", "/PI", "/O", "/C", "/K", "/F", "/V", "/WC", "/WS", "/DS", "/WP", "/DP",
)  # fmt: skip
_FILE_KEYS = ("/F", "/UF", "/Unix", "/DOS", "/Mac")


class ActionExaminer:
    """Reports what actions do to `output`."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._followed: set[tuple[int, int]] = set()

    def examine(self, action: Held, kind: str) -> None:
        """Examine one dictionary whose /S is `kind`, wherever it is used; it need not be an action."""
        if kind in _REFUSED and kind != "JavaScript":
            self._output.finding(*_REFUSED[kind])
        if kind == "Named" and name_of(action.get("/N")) not in _NAMED:
            self._output.finding("active_action", "The PDF runs a command of a viewer's menu that is not known here.")
        if kind == "Rendition" and not _plays_inside(action.get("/R")):
            self._output.finding("remote_action", "The PDF plays a film or a sound that is not in it.")
        if kind == "MCD":
            self.file(action.get("/D"))

    def file(self, specification: object, *, is_url: bool = False) -> None:
        """Report where a file specification string leads."""
        import pikepdf

        if not isinstance(specification, pikepdf.String):
            return
        place = file_place(bytes(specification), is_url=is_url)
        if place == Place.PROGRAM:
            self._output.finding("launch_action", "The PDF refers to a program.")
        elif place in (Place.WEB, Place.SHARE, Place.HANDLER):
            self._output.finding("remote_action", "The PDF refers to a file on a network share or on a web site.")
        elif place == Place.LOCAL:
            self._output.finding("external_link", "A link leads to another file, which opens when it is clicked.")

    def films(self, movie: object) -> None:
        """Report the film of a movie annotation, which is a file of its own unless it is embedded (13.4)."""
        import pikepdf

        if isinstance(movie, pikepdf.Dictionary) and "/F" in movie and not _is_embedded(movie.get("/F")):
            self._output.finding("remote_action", "The PDF plays a film that is not in it.")

    def files(self, holder: Held) -> None:
        """Report where the dictionary `holder` leads, where it is a file specification or an action with one."""
        if name_of(holder.get("/S")) in _REFUSED:
            return
        is_url = "/FS" in holder and name_of(holder["/FS"]) == "URL"
        if is_url or not _has_embedded(holder):
            for key in _FILE_KEYS:
                if key in holder:
                    self.file(holder[key], is_url=is_url)

    def clicked(self, action: object) -> None:
        """Report an action of an unknown kind that is used as /A or /PA."""
        import pikepdf

        # The attributes of a structure element are /A too, and say in /O whose they are.
        if isinstance(action, pikepdf.Dictionary) and not isinstance(action.get("/O"), pikepdf.Name):
            self._known(action)

    def triggered(self, triggers: object) -> None:
        """Examine the actions of /AA; those of a mouse button are clicked."""
        import pikepdf

        if isinstance(triggers, pikepdf.Dictionary):
            for action in triggers.as_dict().values():
                self.clicked(action)
            for trigger in _BY_ITSELF:
                self.by_itself(triggers.get(trigger))

    def by_itself(self, action: object) -> None:
        """Report what acts without a click and reaches out of the document, in the chain that begins with `action`."""
        for each in self._chain(action):
            self._known(each)
            kind = name_of(each.get("/S"))
            if kind == "URI":
                self._output.finding("remote_action", "The PDF opens an address without a click.")
            elif kind in _TO_FILES and "/F" in each:
                self._output.finding("remote_action", "The PDF opens another file without a click.")

    def _known(self, action: "pikepdf.Object") -> None:
        import pikepdf

        kind = action.get("/S")
        if isinstance(kind, pikepdf.Name) and name_of(kind) not in KINDS:
            self._output.finding("active_action", "The PDF has an action of an unknown kind.")

    def _chain(self, first: object) -> Iterator["pikepdf.Object"]:
        """The dictionaries of a chain (/Next). Each that is indirect is followed once, for all chains."""
        import pikepdf

        waiting = [first]
        while waiting:
            one = waiting.pop()
            if isinstance(one, pikepdf.Array):  # a destination is a list too, which begins with a page
                waiting += [each for each in one.as_list() if isinstance(each, pikepdf.Dictionary) and "/S" in each]
            elif isinstance(one, pikepdf.Dictionary) and one.objgen not in self._followed:
                self._followed |= {one.objgen} - {(0, 0)}
                yield one
                waiting.append(one.get("/Next"))


def _plays_inside(rendition: object) -> bool:
    """Whether the clips of a rendition are embedded: ISO 32000-2, 13.2.3. A selector has a list of renditions."""
    import pikepdf

    if not isinstance(rendition, pikepdf.Dictionary):
        return False
    choices = rendition.get("/R")
    if isinstance(choices, pikepdf.Array):
        return all(isinstance(each, pikepdf.Dictionary) and _is_embedded(_clip(each)) for each in choices.as_list())
    return _is_embedded(_clip(rendition))


def _clip(rendition: "pikepdf.Object") -> object:
    import pikepdf

    clip = rendition.get("/C")
    return clip.get("/D") if isinstance(clip, pikepdf.Dictionary) else None


def _is_embedded(data: object) -> bool:
    import pikepdf

    return isinstance(data, pikepdf.Stream) or (
        isinstance(data, pikepdf.Dictionary) and _has_embedded(cast("Held", data.as_dict()))
    )


def _has_embedded(holder: Held) -> bool:
    """Whether the file is in the PDF: then its name leads nowhere."""
    import pikepdf

    embedded = holder.get("/EF")
    return (
        embedded is not None
        and isinstance(embedded, pikepdf.Dictionary)
        and any(isinstance(each, pikepdf.Stream) for each in embedded.as_dict().values())
    )
