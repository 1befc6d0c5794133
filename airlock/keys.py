"""Object keys in the three places. A user's file name is never part of one.

Incoming and quarantine keys are fixed; the accepted key follows the profile's template, from values that are ours.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from airlock import upload_id
from airlock.content import media_types

PLACEHOLDERS: Mapping[str, str] = MappingProxyType(
    {
        "id": "the upload id",
        "profile": "the profile's name",
        "owner": "the owner's first 128 characters; all but letters, digits, '-', '_', '@' and single dots become '-'",
        "year": "year of issue, UTC, four digits",
        "month": "month of issue, two digits",
        "day": "day of issue, two digits",
        "extension": "extension of the detected media type with its dot, or nothing",
    }
)

_ID = re.compile(rf"[0-9a-f]{{{upload_id.LENGTH}}}\Z")
# Each place where one can begin: a template may put digits beside the id.
_ANY_ID = re.compile(rf"(?=([0-9a-f]{{{upload_id.LENGTH}}}))")
_NOT_KEY_SAFE = re.compile(r"\.{2,}|[^A-Za-z0-9._@-]")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
# The characters that AWS lists as safe in every client ("Naming Amazon S3 objects").
_SAFE = re.compile(r"[A-Za-z0-9!_.*'()/-]+\Z")
_BY_TYPE = MappingProxyType({kind: f".{name}" for name, kind in reversed(list(media_types.EXTENSIONS.items()))})


def incoming(prefix: str, upload: str) -> str:
    """The key to which one upload's policy is bound: `<prefix>/<upload id>`."""
    return f"{prefix}/{upload}"


def upload_id_of(prefix: str, key: str) -> str | None:
    """The text of the upload id in an incoming key, or None where the key is not of that form.

    Only the form is looked at: whether the id is ours takes its owner and the secrets (`upload_id.verify`).
    """
    head, slash, text = key.rpartition("/")
    return text if slash and head == prefix and _ID.match(text) else None


def upload_ids_in(key: str) -> list[str]:
    """What may be the text of an upload id anywhere in a key: of a settled object's key, whatever the template, one
    of them is. Mostly there is one, or none: few parts of other names tell of a lifetime that an id can have.
    """
    texts = _ANY_ID.findall(key)
    return [text for text in texts if 0 < upload_id.unverified(text).lifetime <= upload_id.MAX_LIFETIME]


def quarantine(upload: str, version_id: str) -> str:
    """The key of a quarantined object: one for each version, so that none hides another."""
    return f"{upload}/{version_id}"


def template_problem(template: str) -> str | None:
    """What is wrong with an accepted key's template, in a sentence, or None."""
    names = _PLACEHOLDER.findall(template)
    unknown = sorted(set(names) - set(PLACEHOLDERS))
    if unknown:
        return f"has unknown placeholders {unknown}; there are {sorted(PLACEHOLDERS)}"
    if "id" not in names:
        return "must contain {id}, or two uploads could share a key"
    # It brings its own dot, or nothing at all.
    if "{extension}" in template.removesuffix("{extension}") or template.endswith(("/{extension}", ".{extension}")):
        return "may have {extension} at its very end only, and not after a '/' or '.'"
    plain = _PLACEHOLDER.sub("0", template)
    if not _SAFE.match(plain) or ".." in plain or not {"", "."}.isdisjoint(plain.split("/")):
        return "may hold letters, digits and !_.*'()/- only, no '/' at either end, and no '//', './' or '..'"
    if len(template) > 256:
        return f"may be 256 characters long, not {len(template)}"
    return None


def accepted(template: str, *, upload: str, profile: str, owner: str, issued_at: int, media_type: str) -> str:
    """The key of an accepted object. `issued_at` is in seconds since the epoch; the same input gives the same key."""
    issued = datetime.fromtimestamp(issued_at, UTC)
    values = {
        "id": upload,
        "profile": profile,
        "owner": _NOT_KEY_SAFE.sub("-", owner[:128]).strip(".") or "-",
        "year": f"{issued.year:04}",
        "month": f"{issued.month:02}",
        "day": f"{issued.day:02}",
        "extension": _BY_TYPE.get(media_type, ""),
    }
    return _PLACEHOLDER.sub(lambda match: values[match[1]], template)
