"""The properties of a shape in RTF: pictures that it links to ([MS-ODRAW] 2.3.7, 2.3.8 and 2.3.23)."""

from workers.inspection.parsers.documents.references import is_network_share, is_remote, shown
from workers.inspection.parsers.port import Output

# The name of a shape's picture, of the picture that fills it, and of the one that fills its lines.
_NAMES = ("pibname", "fillblipname", "lineblipname", "linefillblipname")
# Either says that the picture is a link; other flags say that the name is only a comment.
_LINKED = 12


class ShapeProperties:
    """Takes the names and the values of the properties in their order, and reports at the end of each shape."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._name = ""
        self._addresses: set[tuple[str, str]] = set()
        self._flags: dict[str, list[str]] = {}

    def name(self, name: str) -> None:
        """The name of the next property."""
        self._name = name.lower()
        if self._name == "pfragments":
            # Never written by Word; the count in it overflows what old versions expect (CVE-2010-3333).
            self._output.finding("malformed", "A shape of the document has a property that breaks its format.")

    def value(self, value: str) -> None:
        """The value of the last property named."""
        if self._name in _NAMES and is_remote(value):
            self._addresses.add((self._name.removesuffix("name"), value))
        elif self._name.endswith("flags"):
            self._flags.setdefault(self._name.removesuffix("flags"), []).append(value.strip())

    def end(self) -> None:
        """The shape has no further properties."""
        for kind, address in self._addresses:
            if is_network_share(address) or not self._is_comment(kind):
                shown(address, self._output)
        self._addresses, self._flags = set(), {}

    def _is_comment(self, kind: str) -> bool:
        """Whether the flags say so. Without flags, what a reader does with the name is its own choice."""
        flags = self._flags.get(kind, [])
        return bool(flags) and all(each.isdecimal() and not int(each[:9]) & _LINKED for each in flags)
