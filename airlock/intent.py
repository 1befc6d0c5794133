"""What a caller means to upload, checked against its profile, and how it travels in the object's own metadata.

Everything that the worker needs stands in the signed policy as `x-amz-meta-*` under exact conditions, so S3 itself
carries it and nobody can change it on the way. Metadata is US-ASCII, 2 KB in all ("Working with object metadata",
Amazon S3 user guide), hence the percent-encoding (RFC 3986) and the limits.
"""

import base64
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple, Self
from urllib.parse import quote, unquote

from airlock.content import media_types
from airlock.content.file_names import BIDIRECTIONAL
from airlock.content.format import OCTET_STREAM
from airlock.content.rules import may_be_called
from airlock.errors import AirlockError, FieldError, Refused
from airlock.profile import Profile

PREFIX = "x-amz-meta-"
MAX_FILENAME_CHARACTERS = 255
MAX_FILENAME_BYTES = 1024
MAX_METADATA_VALUE = 512

# No '$', which a policy would have to escape, and no '%', which starts an encoded byte.
_SAFE = "!'()*,;=+&~-._/:@"
# As `urllib.parse.quote(value, safe=_SAFE)` would, which sets itself up anew for each value.
_ENCODED = [quote(bytes([byte]), safe=_SAFE) for byte in range(256)]
_PLAIN = re.compile(r"[A-Za-z0-9!'()*,;=+&~._/:@-]*\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SHA256_HEX = re.compile(r"[0-9A-Fa-f]{64}\Z")
_USER = "user-"


class NotOurMetadata(AirlockError):
    """The object's metadata is not what a policy of ours writes."""


class SizeRange(NamedTuple):
    """The sizes in bytes that a policy accepts, both ends included."""

    min_bytes: int
    max_bytes: int


class Intent(NamedTuple):
    """One upload as its owner described it. `size` in bytes and `sha256` in hex, where they were declared."""

    owner: str
    profile: str
    filename: str
    content_type: str
    size: int | None = None
    sha256: str | None = None
    metadata: Mapping[str, str] = MappingProxyType({})
    tenant: str | None = None

    def to_fields(self) -> dict[str, str]:
        """The form fields of the policy: Content-Type, the declared checksum, and every `x-amz-meta-*`."""
        fields = {"Content-Type": self.content_type}
        if self.sha256 is not None:
            fields["x-amz-checksum-sha256"] = base64.b64encode(bytes.fromhex(self.sha256)).decode("ascii")
            fields["x-amz-meta-sha256"] = self.sha256
        if self.size is not None:
            fields["x-amz-meta-size"] = str(self.size)
        fields["x-amz-meta-owner"] = _encoded_again(self.owner)
        if self.tenant is not None:
            fields["x-amz-meta-tenant"] = _encoded_again(self.tenant)
        fields["x-amz-meta-profile"] = self.profile
        fields["x-amz-meta-filename"] = encode(self.filename)
        for name, value in self.metadata.items():
            fields[f"{PREFIX}{_USER}{name}"] = encode(value)
        return fields

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], content_type: str) -> Self:
        """Read an object's metadata (names without `x-amz-meta-`); raises NotOurMetadata where a part is missing."""
        try:
            size, tenant = metadata.get("size"), metadata.get("tenant")
            return cls(
                owner=unquote(metadata["owner"], errors="strict"),
                profile=metadata["profile"],
                filename=unquote(metadata["filename"], errors="strict"),
                content_type=content_type,
                size=None if size is None else int(size),
                sha256=metadata.get("sha256"),
                metadata=_user_metadata(metadata),
                tenant=None if tenant is None else unquote(tenant, errors="strict"),
            )
        except (KeyError, ValueError) as error:
            raise NotOurMetadata(f"the object's metadata was not written by a policy of ours: {error}") from error


def _user_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(_USER): unquote(value, errors="strict")
        for name, value in metadata.items()
        if name.startswith(_USER)
    }


def encode(value: str) -> str:
    """Percent-encode a metadata value, so that it is US-ASCII and S3 neither trims nor folds it."""
    return value if _PLAIN.match(value) else "".join([_ENCODED[byte] for byte in value.encode("utf-8")])


# Of owners and tenants, who come again and again.
_encoded_again = lru_cache(maxsize=4096)(encode)


def check(
    profile: Profile,
    *,
    owner: str,
    tenant: str | None = None,
    filename: str,
    content_type: str | None = None,
    size: int | None = None,
    sha256: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Intent:
    """The intent that these values describe; raises Refused, which lists every rule that is broken.

    `content_type` loses its parameters. One of None, an empty one and `application/octet-stream` are taken from the
    file name's extension; where that says nothing, the bytes will tell. `sha256` is 64 hexadecimal digits, or the
    base64 of the 32 bytes.
    """
    kind = _resolved_type(profile, content_type, filename)
    digest = None if sha256 is None else _digest(sha256)
    problems = (
        _filename_problems(filename)
        + _type_problems(profile, kind, given=content_type is not None)
        + (() if size is None else _size_problems(profile, size))
        + (_metadata_problems(profile, metadata) if metadata else ())
        + (() if sha256 is None or digest is not None else _digest_problems(sha256))
    )
    if problems:
        first = problems[0]
        raise Refused(first.code, first.detail, field=first.field, errors=problems)
    return Intent(owner, profile.name, filename, kind, size, digest, metadata or {}, tenant)


def _resolved_type(profile: Profile, declared: str | None, filename: str) -> str:
    """The type to sign: the declared one, or the name's where the declaration says nothing or is a habit of systems."""
    kind = media_types.canonical(declared) if declared is not None else OCTET_STREAM
    if kind and kind != OCTET_STREAM and (kind in profile.content_types or profile.takes(kind)):
        return kind
    named = media_types.guess(filename)
    if kind in ("", OCTET_STREAM) or (profile.takes(named) and may_be_called(kind, named)):
        return named
    return kind


# Without a problem each gives the empty tuple, which costs nothing: that is what nearly all uploads come to.
_Problems = tuple[FieldError, ...]


def _filename_problems(filename: str) -> _Problems:
    if not filename.strip():
        rule = "must not be empty"
    elif len(filename) > MAX_FILENAME_CHARACTERS:
        rule = f"may be {MAX_FILENAME_CHARACTERS} characters long, not {len(filename)}"
    elif BIDIRECTIONAL.search(filename):
        rule = "must not hold bidirectional controls, which make one name look like another"
    elif _CONTROL.search(filename):
        rule = "must not hold control characters, line separators or lone surrogates"
    # A character takes twelve bytes at most, so that most names need not be encoded to know.
    elif len(filename) * 12 > MAX_FILENAME_BYTES and len(encode(filename)) > MAX_FILENAME_BYTES:
        rule = f"may be {MAX_FILENAME_BYTES} bytes long when percent-encoded, not {len(encode(filename))}"
    else:
        return ()
    return (FieldError("filename", "invalid_filename", f"filename {rule}"),)


def _type_problems(profile: Profile, kind: str, *, given: bool) -> _Problems:
    # The common case, known by one look: no pattern with '*' in it is a media type.
    if (kind in profile.content_types and "*" not in kind) or kind == OCTET_STREAM:
        return ()
    if not media_types.is_media_type(kind):
        rule = "must be type/subtype, each of 1 to 127 characters (RFC 6838)"
        return (FieldError("content_type", "invalid_content_type", f"content_type {rule}"),)
    if profile.takes(kind):
        return ()
    source = "" if given else ", which the file name's extension stands for,"
    rule = f"{kind}{source} is not taken by the profile {profile.name!r}; it takes {', '.join(profile.content_types)}"
    return (FieldError("content_type", "content_type_not_allowed", f"content_type {rule}"),)


def _size_problems(profile: Profile, size: int) -> _Problems:
    if profile.min_bytes <= size <= profile.max_bytes:
        return ()
    rule = f"size is {size}; the profile {profile.name!r} takes {profile.min_bytes} to {profile.max_bytes} bytes"
    if size < profile.min_bytes:
        return (FieldError("size", "size_too_small", rule),)
    return (FieldError("size", "size_too_large", rule),)


def _metadata_problems(profile: Profile, metadata: Mapping[str, str]) -> _Problems:
    problems = []
    for name, value in metadata.items():
        if name not in profile.metadata:
            allowed = ", ".join(profile.metadata) or "none"
            rule = f"is not a name that the profile {profile.name!r} allows; it allows {allowed}"
        elif _CONTROL.search(value):
            rule = "must be text without control characters"
        elif len(encode(value)) > MAX_METADATA_VALUE:
            rule = f"may be {MAX_METADATA_VALUE} bytes long when percent-encoded, not {len(encode(value))}"
        else:
            continue
        shown = _CONTROL.sub("?", name[:64])
        problems.append(FieldError(f"metadata.{shown}", "invalid_metadata", f"metadata.{shown} {rule}"))
    return tuple(problems)


def _digest_problems(sha256: str) -> _Problems:
    rule = "must be a SHA-256: 64 hexadecimal digits, or the base64 of its 32 bytes (44 characters)"
    return (FieldError("sha256", "invalid_sha256", f"sha256 {rule}; {len(sha256)} characters came"),)


def _digest(text: str) -> str | None:
    if _SHA256_HEX.match(text):
        return text.lower()
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return raw.hex() if len(raw) == 32 else None
