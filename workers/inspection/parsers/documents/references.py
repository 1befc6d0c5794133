"""Where a reference in a document leads, and what that amounts to. Pure.

Schemes are allowed, not forbidden: one that is not listed starts whatever program the system has for it. A path on a
local drive is where the uploader cannot put a file, and most documents have such paths (of the template that a text was
written with, of the workbook that a table came from).
"""

import re
from enum import IntEnum
from urllib.parse import unquote

from airlock.content.formats import PROGRAM_EXTENSIONS
from workers.inspection.parsers.port import Output


class Place(IntEnum):
    """Where a reference leads; of two ways to read it, the greater one counts."""

    NOWHERE = 0
    """Nothing, a place in the document itself, or an address that only names something (`mailto:`, `tel:`, `cid:`)."""
    LOCAL = 1
    """A file on the reader's own machine, or beside the document."""
    WEB = 2
    PROGRAM = 3
    """A program on the reader's machine."""
    SHARE = 4
    """A file on a network share, to which Windows sends the user's credentials without asking."""
    HANDLER = 5
    """Whatever program the system has for the scheme."""


_WEB = frozenset({"http", "https", "ftp", "ftps", "sftp"})
# Calls and messages: their programs are given a number or an address, and ask before they do anything. Those of
# meetings (zoommtg, msteams, webex, skype) are not among them: their links carry commands, and some have run code
# (CVE-2022-28755, CVE-2019-1636). Invitations have a link of the web as well.
_NAMES = frozenset(
    {"mailto", "tel", "sms", "fax", "callto", "sip", "sips", "xmpp", "im", "facetime", "facetime-audio",
     "whatsapp", "maps", "geo", "news", "nntp", "webcal", "urn", "doi", "tag", "mid", "cid", "about", "isbn", "issn"}
)  # fmt: skip
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):(.*)", re.DOTALL)
# A path of Mac OS before X, whose disk has a space in its name, as that of every Macintosh has by default.
_MACINTOSH = re.compile(r"[^/:]* [^/:]*:[^/:]+:[^/]*$")
_DRIVE = re.compile(r"/*[a-z][:|]")
_ADDRESS = re.compile(r"www\.|[^/\\:]+@[^/\\:]+\.[a-z]+$")
# Without those that names of hosts and abbreviations end in as well.
_RUN = sorted(PROGRAM_EXTENSIONS - {"o", "so", "pl"})
_RUNS = re.compile(rf"\.({'|'.join(map(re.escape, _RUN))})[. ]*(?:$|[\s\"'?#,!])")
_DOMAIN = re.compile(r"[a-z0-9.-]+\.com(/.*)?$")


def place_of(reference: str) -> Place:
    """Where `reference` leads, as it is written or with its percent signs decoded."""
    return max(_place(reference), _place(unquote(reference)))


def _place(reference: str) -> Place:
    plain = re.sub(r"[\0-\x1f]", "", reference).replace("\\", "/").lower().strip(" \"'\xa0")
    if _MACINTOSH.match(plain):
        return Place.LOCAL
    scheme, rest = _split(plain)
    if scheme in _WEB:
        return Place.WEB
    if scheme in _NAMES or plain.startswith("#") or not plain:
        return Place.NOWHERE
    if scheme not in ("", "file"):
        return Place.HANDLER
    if _is_share(scheme, rest):
        return Place.SHARE
    if not scheme and _ADDRESS.match(rest):
        return Place.WEB
    if _RUNS.search(rest) and not (not scheme and _DOMAIN.match(rest)):
        return Place.PROGRAM
    return Place.LOCAL


def _split(plain: str) -> tuple[str, str]:
    found = _SCHEME.fullmatch(plain.replace(" ", "") if ":" in plain[:40] else plain)
    return (found[1], found[2]) if found else ("", plain)


def _is_share(scheme: str, rest: str) -> bool:
    if _DRIVE.match(rest):
        return False
    slashes = len(rest) - len(rest.lstrip("/"))
    if scheme == "file" and slashes == 2:
        return not rest.startswith(("//localhost/", "//127.0.0.1/"))
    # "//host/x", and "file:////host/x" as Office writes it; "file:///x" is the root folder.
    return slashes >= (4 if scheme else 2)


def is_remote(reference: str) -> bool:
    """Whether opening the reference asks another machine, or the handler of a scheme, for something."""
    return place_of(reference) in (Place.WEB, Place.SHARE, Place.HANDLER)


def is_network_share(reference: str) -> bool:
    """Whether it names a file on a network share."""
    return place_of(reference) == Place.SHARE


def clicked(reference: str, output: Output) -> None:
    """Report a link that a person has to click."""
    place = place_of(reference)
    if place == Place.SHARE:
        output.finding("unsafe_link", "A link leads to a file on a network share.")
    elif place == Place.PROGRAM:
        output.finding("unsafe_link", "A link starts a program.")
    elif place == Place.HANDLER:
        output.finding("unsafe_link", "A link has a scheme that is not among those allowed.")
    elif place == Place.LOCAL:
        output.finding("external_link", "A link leads to another file, which opens when it is clicked.")


def asked_for(reference: str, output: Output) -> None:
    """Report a link to another workbook, which programs follow only where the reader agrees."""
    place = place_of(reference)
    if place in (Place.HANDLER, Place.PROGRAM):
        output.finding("remote_template", "The document loads content by a scheme that is not among those allowed.")
    elif place != Place.NOWHERE:
        output.finding("external_link", "Cells refer to another workbook, which is read where the reader agrees to it.")


def loaded(reference: str, output: Output) -> None:
    """Report what is loaded as the document is opened: a template, a frame, a linked object."""
    if is_remote(reference):
        output.finding("remote_template", REMOTE)


def shown(reference: str, output: Output) -> None:
    """Report a picture that is loaded as the document is opened."""
    if is_remote(reference):
        output.finding("external_reference", "The document loads a picture from elsewhere when it is opened.")


def played(reference: str, output: Output) -> None:
    """Report a sound or a video that is loaded when it is played."""
    place = place_of(reference)
    if place in (Place.SHARE, Place.HANDLER, Place.PROGRAM):
        output.finding("external_reference", "The document loads a video or a sound from elsewhere.")
    elif place == Place.WEB:
        output.finding("external_link", "A video or a sound is loaded from the web when it is played.")


def merged(reference: str, output: Output) -> None:
    """Report the file with the data of a mail merge."""
    place = place_of(reference)
    if place == Place.LOCAL:
        output.finding("external_link", "The document is merged with data of another file, where the reader agrees.")
    elif place != Place.NOWHERE:
        output.finding("external_data", "The document is merged with data from elsewhere.")


def queried(output: Output, *, refreshes: bool) -> None:
    """Report a connection or a query of a workbook; `refreshes` says that it is followed as the workbook is opened."""
    if refreshes:
        output.finding("external_data", REFRESHED)
    else:
        output.finding("external_link", "The workbook has queries, which fetch data where the reader asks for it.")


REMOTE = "The document loads a template or other content from elsewhere when it is opened."
REFRESHED = "The workbook fetches data from elsewhere when it is opened."
LINKED = "The document shows a linked file, which is read when it is asked for."
ACTION = "A click or a hover starts a program or a macro."
VERB = "An animation starts the program of an embedded object."
