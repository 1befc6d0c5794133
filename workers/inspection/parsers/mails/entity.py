"""One MIME entity: its headers, its body and what it is called. Pure.

Headers and parts are cut out of the bytes here, and not by Python's `email`: that changes the bytes of parts, ends the
headers at the first line that is none, and does not tell where other programs go on. Its `Message` reads parameters.
"""

import binascii
import re
import string
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import NamedTuple

from workers.inspection.parsers.archives.paths import runs
from workers.inspection.parsers.documents.package import MalformedDocument

_HEADER = re.compile(r"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_STRUCTURAL = re.compile(r"content-(type|transfer-encoding|disposition)", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")
# A name without quotes ends at a blank (RFC 2045, 5.1), and most programs take all of the words.
_FIRST_WORD = re.compile(r"name\*?\s*=\s*([^\"\s;][^\s;]*)\s+[^\s;]", re.IGNORECASE)
_UNFOLDED = re.compile(r"[\r\n]+")
_MEDIA_TYPE = re.compile(r"\s*\"?([\w!#$&^.+-]+/[\w!#$&^.+-]+)")
_TOKEN = re.compile(r"\s*\"?([\w-]+)")
_CONTROLS = re.compile(r"[\0-\x1f\x7f]")
_NOT_BASE64 = bytes(set(range(256)) - set(string.ascii_letters.encode() + string.digits.encode() + b"+/="))
_ENDS = "Some programs end the headers of a part before others do."
_BLANK_LINE = re.compile(rb"(?:\A|\n)\r*\n")
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
# RFC 2231, section 3: a value in numbered pieces.
_CONTINUED = re.compile(r";\s*([^\s;=*\"]+)\*(\d*)\*?\s*=")
# What `email` raises for parameters that are no parameters.
_PARAMETER_ERRORS = (HeaderParseError, ValueError, LookupError, TypeError, IndexError)
# What some program may decode by another name of its own ("base64x"). Of other names all leave the bytes as they are.
_DECODED_BY_SOME = re.compile("64|quoted|uu|hex|zip|yenc")
_UUENCODED = frozenset({"x-uuencode", "x-uue", "uuencode", "uue"})


class Entity(NamedTuple):
    """`ambiguity` is a sentence that says why programs read it differently, "" where they do not."""

    headers: "Message[str, str]"
    body: bytes
    ambiguity: str

    @property
    def media_type(self) -> str:
        """Of the header Content-Type in lower case, "" where there is none or it names no type."""
        found = _MEDIA_TYPE.match(self.headers.get("content-type", ""))
        return found[1].lower() if found else ""

    @property
    def disposition(self) -> str:
        found = _TOKEN.match(self.headers.get("content-disposition", ""))
        return found[1].lower() if found else ""

    @property
    def transfer_encoding(self) -> str:
        found = _TOKEN.match(self.headers.get("content-transfer-encoding", ""))
        return found[1].lower() if found else ""

    def parameters(self, header: str, *names: str) -> list[str]:
        """All values that the parameters `names` of `header` have, decoded by RFC 2231 and RFC 2047.

        Raises MalformedDocument where they cannot be read, or not in one way.
        """
        if _continued_differently(self.headers.get(header, "")):
            raise MalformedDocument("A parameter of a part, such as its name, is continued in more than one way.")
        try:
            given = (self.headers.get_params([], header) or [])[1:]
            values = [collapse_rfc2231_value(value) for name, value in given if name.lower().rstrip("*") in names]
        except _PARAMETER_ERRORS as error:
            raise MalformedDocument("A parameter of a part, such as its name, cannot be read.") from error
        return [_words(value) for value in values]


def _continued_differently(value: str) -> bool:
    """Whether a parameter has a piece twice, or numbered pieces beside one without a number: programs choose."""
    given = [(name.lower(), number) for name, number in _CONTINUED.findall(_QUOTED.sub('""', value))]
    numbered = {name for name, number in given if number}
    return len(set(given)) < len(given) or any(name in numbered for name, number in given if not number)


def parse_entity(raw: bytes) -> Entity:
    """Cut `raw` at the first empty line. A part that begins with no header is all body."""
    blank = _BLANK_LINE.search(raw)
    head, body = (raw[: blank.start()], raw[blank.end() :]) if blank else (raw, b"")
    try:
        text = head.decode()
    except UnicodeDecodeError:
        text = head.decode("latin-1")
    headers: Message[str, str] = Message()
    lines = [line.rstrip("\r") for line in text.split("\n")]
    if not _HEADER.match(lines[0]) and not lines[0].lstrip(">").startswith("From "):
        return Entity(headers, raw if head else body, _misplaced(text) if head else "")
    return Entity(headers, body, _read(lines, headers) or _repeated(headers))


def _read(lines: list[str], headers: "Message[str, str]") -> str:
    """Fill `headers`; returns why a program could read others."""
    odd = is_ambiguous = False
    for line in _joined(lines):
        found = _HEADER.match(line)
        if not found:
            odd = odd or not line.lstrip(">").startswith("From ")
            continue
        is_ambiguous |= bool(_STRUCTURAL.fullmatch(found[1])) and (odd or "\0" in line)
        if "\r" in line:
            is_ambiguous |= bool(_misplaced(line.replace("\r", "\n").partition("\n")[2]))
        headers[found[1]] = _UNFOLDED.sub("", found[2]).strip()
    return _ENDS if is_ambiguous else ""


def _joined(lines: list[str]) -> list[str]:
    """The lines with those that continue them."""
    joined: list[list[str]] = []
    for line in lines:
        if line[:1] in (" ", "\t") and joined:
            joined[-1].append(line)
        else:
            joined.append([line])
    return ["\n".join(each) for each in joined]


def _misplaced(text: str) -> str:
    """Structural headers where not all programs look for them."""
    lines = text.split("\n")
    found = any(each and _STRUCTURAL.fullmatch(each[1]) for each in map(_HEADER.match, lines))
    return _ENDS if found else ""


def _repeated(headers: "Message[str, str]") -> str:
    for name in ("content-type", "content-transfer-encoding", "content-disposition"):
        if len({value.lower() for value in headers.get_all(name, [])}) > 1:
            return "A part has a header twice with different values, and programs choose differently."
    return ""


def _words(value: str) -> str:
    """Encoded words are not allowed in parameters, and every program writes and reads them there."""
    try:
        return str(make_header(decode_header(value))) if "=?" in value else value
    except _PARAMETER_ERRORS:
        return value


def file_names(entity: Entity) -> list[str]:
    """All names that programs could save it under, without folders, that which most take first."""
    given = entity.parameters("content-disposition", "filename") + entity.parameters("content-type", "name")
    names = [_CONTROLS.sub("", each.replace("\\", "/")).rpartition("/")[2].strip() for each in given]
    others = (each for name in given for each in _read_otherwise(name) if runs(each))
    headers = (entity.headers.get(each, "") for each in ("content-disposition", "content-type"))
    words = (each for header in headers for each in _FIRST_WORD.findall(header) if runs(each))
    return [each for each in dict.fromkeys((*names, *others, *words)) if each]


def _read_otherwise(name: str) -> tuple[str, ...]:
    """A name as programs take it that drop folds, comments or the backslashes of quoted characters (RFC 5322, 3.2)."""
    return re.sub(r"\s", "", name), _COMMENT.sub("", name), name.replace("\\", "")


def charset(entity: Entity) -> str:
    """Of a text, in lower case; "" where it does not say."""
    return next(iter(entity.parameters("content-type", "charset")), "").strip().lower()


def boundary(entity: Entity) -> bytes | None:
    """Of a multipart; None where it has none, more than one, or one that programs read differently."""
    given = entity.parameters("content-type", "boundary")
    if len(set(given)) != 1 or not given[0].strip() or re.search(r"[\0-\x1f\"\\;]", given[0]):
        return None
    return given[0].rstrip().encode("utf-8", "replace")


def decode_transfer(entity: Entity) -> tuple[bytes, bool]:
    """The body as its transfer encoding says, and whether all programs decode it so (RFC 2045, section 6)."""
    encoding = entity.transfer_encoding
    if not encoding and entity.headers.get("content-transfer-encoding", "").strip():
        return entity.body, False  # some programs pass over a comment before its name
    if encoding == "base64":
        return _base64(entity.body)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(entity.body), True
    if encoding in _UUENCODED:
        blocks = uuencoded(entity.body)
        return (blocks[0][1], len(blocks) == 1) if blocks else (entity.body, not entity.body.strip())
    return entity.body, not _DECODED_BY_SOME.search(encoding)


def _base64(body: bytes) -> tuple[bytes, bool]:
    """Some programs stop at the first padding, and others go on: all of it is decoded."""
    digits = body.translate(None, _NOT_BASE64).rstrip(b"=")
    pieces = [each for each in digits.split(b"=") if each]
    return b"".join(map(_base64_piece, pieces)), len(pieces) <= 1


def _base64_piece(digits: bytes) -> bytes:
    whole = len(digits) - (len(digits) % 4 == 1)
    return binascii.a2b_base64(digits[:whole] + b"=" * (-whole % 4))


_UU_BEGIN = re.compile(rb"^begin(-base64)? [0-7]{3,4} ([^\r\n]+)\r?\n", re.MULTILINE)


def uuencoded(body: bytes) -> list[tuple[str, bytes]]:
    """The files that are uuencoded in a text, each with its name. A text that only speaks of `begin` has none."""
    found = []
    for start in _UU_BEGIN.finditer(body):
        content = _uu_lines(body, start.end(), is_base64=bool(start[1]))
        if content:
            found.append((start[2].decode("utf-8", "replace").strip(), content))
    return found


def _uu_lines(body: bytes, at: int, *, is_base64: bool) -> bytes:
    content = bytearray()
    while at < len(body):
        end = body.find(b"\n", at) + 1 or len(body)
        line = body[at:end].strip(b"\r\n")
        at = end
        if line.rstrip() in (b"", b"end", b"====", b"`"):
            break
        try:
            content += binascii.a2b_base64(line) if is_base64 else binascii.a2b_uu(line)
        except ValueError:
            break
    return bytes(content)
