"""Whether the readings of an object agree with each other, with its declaration, with its name and its profile. Pure.

The type that an object is kept under is that of its primary reading. A declaration and a name agree with it when they
are the same type, or another one of the same family (pictures, texts, documents of office programs, …): browsers and
systems declare by the name, and people rename files. Such a type is corrected, with a note, where the profile takes the
true one too. In any other case they contradict it.

Two readings contradict each other, but for pairs that are known to be harmless: a photo with the video of its moment
behind it, and texts or markup that have two names.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from airlock.content.file_names import extension
from airlock.content.format import ENCRYPTED_OPEN_XML, OCTET_STREAM
from airlock.content.formats import format_of
from airlock.content.media_types import EXTENSIONS, canonical
from airlock.content.rules import allowed_by, may_be_called, what_runs
from airlock.profile import Profile
from workers.inspection.readings import Reading

_VIDEO_OF_A_PHOTO = frozenset({"video/mp4", "video/quicktime"})
_PHOTOS = frozenset({"image/jpeg", "image/heic", "image/heif", "image/avif"})
_TEXTS = frozenset({"text", "markup"})


class Objection(NamedTuple):
    """A code of `airlock.content.finding_codes`, and a sentence."""

    code: str
    message: str


class Agreement(NamedTuple):
    """The type under which the object is kept, and what contradicts it."""

    media_type: str
    objections: tuple[Objection, ...]


def claims_of(declared: str, filename: str) -> tuple[str, ...]:
    """The types that a declaration and a name claim. The first is the declaration, also where that says nothing."""
    named = EXTENSIONS.get(extension(filename))
    return tuple(dict.fromkeys((canonical(declared), *([named] if named else []))))


def agree(readings: Sequence[Reading], declared: str, filename: str, profile: Profile) -> Agreement:
    """How the readings of an object (at least one, the primary first) agree with what its uploader said of it."""
    primary = readings[0]
    kept = _kept_type(primary, canonical(declared))
    objections = (
        *second_reading_objections(readings),
        *_declaration_objections(kept, canonical(declared), profile),
        *_name_objections(kept, canonical(declared), filename, profile),
    )
    return Agreement(kept, objections)


def second_reading_objections(readings: Sequence[Reading]) -> Iterator[Objection]:
    """The objection to a second reading that is none of the harmless pairs."""
    first = readings[0]
    for other in readings[1:]:
        if not _harmless(first.media_type, other.media_type):
            where = f" from byte {other.start} on" if other.start else ""
            yield Objection("polyglot", f"The bytes are {first.media_type} and{where} {other.media_type} at once.")
            return


def _harmless(first: str, second: str) -> bool:
    if first in _PHOTOS and second in _VIDEO_OF_A_PHOTO:
        return True
    families = {format_of(first).family, format_of(second).family}
    return families <= _TEXTS and len(families) == 1


def _kept_type(primary: Reading, declared: str) -> str:
    """The type of the primary reading; an OLE container of unknown content is kept as what it was declared as."""
    if primary.media_type == ENCRYPTED_OPEN_XML and format_of(declared).family == "document":
        return declared
    return primary.media_type


def _declaration_objections(kept: str, declared: str, profile: Profile) -> Iterator[Objection]:
    if declared in (kept, OCTET_STREAM):
        if declared == OCTET_STREAM and kept != OCTET_STREAM and not profile.takes(kept):
            yield _not_taken(kept, profile)
        return
    if kept == OCTET_STREAM or not may_be_called(declared, kept):
        yield Objection("media_type_mismatch", f"The declared type is {declared}, but the bytes are {shown(kept)}.")
    elif not profile.takes(kept):
        message = f"The declared type is {declared}, but the bytes are {kept}, which {profile.name!r} does not take."
        yield Objection("media_type_mismatch", message)
    else:
        yield Objection("media_type_corrected", f"The declared type is {declared}; it is kept as {kept}.")


def _name_objections(kept: str, declared: str, filename: str, profile: Profile) -> Iterator[Objection]:
    named = EXTENSIONS.get(extension(filename))
    runs = what_runs(filename)
    if runs is not None and not allowed_by(_named_types(profile), runs.media_type):
        message = f"The file name ends in {runs.shown}, which systems, browsers or servers run."
        yield Objection("extension_mismatch", message)
    elif named in (None, kept, declared):
        return
    elif kept == OCTET_STREAM or not may_be_called(named, kept):
        message = f"The file name ends in .{extension(filename)} ({named}), but the bytes are {shown(kept)}."
        yield Objection("extension_mismatch", message)
    elif declared in (kept, OCTET_STREAM):
        yield Objection("media_type_corrected", f"The file name stands for {named}; it is kept as {kept}.")


def _named_types(profile: Profile) -> tuple[str, ...]:
    return tuple(each for each in profile.content_types if "*" not in each)


def _not_taken(kept: str, profile: Profile) -> Objection:
    taken = ", ".join(profile.content_types)
    return Objection("content_type_not_allowed", f"The bytes are {kept}; the profile {profile.name!r} takes {taken}.")


def shown(media_type: str) -> str:
    """What messages call the bytes of a type."""
    return "of no known format" if media_type == OCTET_STREAM else media_type
