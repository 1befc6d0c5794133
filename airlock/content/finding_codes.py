"""Every code that a finding of a check can have: what it means, what it amounts to by default, and why. Pure.

A profile changes what a code amounts to in `[profiles.NAME.findings]`: `reject`, `unscannable` or `note`
(recorded, and no objection). Codes that are `fixed` say that bytes are malicious, are not the declared ones, or could
not be trusted to have been looked at: no profile can lift them. docs/checks.md is written from this table.
"""

from collections.abc import Mapping
from types import MappingProxyType

from airlock.content.active_codes import ACTIVE_CODES
from airlock.content.finding_code import BROKEN, UNSEEN, FindingCode

_CODES = (
    FindingCode(
        "too_small", "size", "reject", "fewer bytes than the profile's minimum", "the profile says so", fixed=True
    ),
    FindingCode(
        "too_large", "size", "reject", "more bytes than the profile's maximum", "the profile says so", fixed=True
    ),
    FindingCode(
        "size_mismatch", "size", "reject", "not the declared size", "the upload is not the one meant", fixed=True
    ),
    FindingCode("checksum_mismatch", "checksum", "reject", "not the declared SHA-256", "the bytes changed", fixed=True),
    FindingCode(
        "media_type_mismatch",
        "media_type",
        "reject",
        "the bytes are of another type than the declared one",
        "whoever opens it trusts the type",
    ),
    FindingCode(
        "extension_mismatch",
        "media_type",
        "reject",
        "the name's extension stands for another type, or is one that systems, browsers or servers run",
        "systems choose the program by the extension",
    ),
    FindingCode(
        "media_type_corrected",
        "media_type",
        "note",
        "another type of the same family was declared; the object is kept under its true type",
        "browsers and systems declare types by the name alone",
    ),
    FindingCode(
        "content_type_not_allowed",
        "media_type",
        "reject",
        "the true type is none that the profile takes",
        "the profile says so",
    ),
    FindingCode(
        "polyglot",
        "media_type, image, media",
        "reject",
        "the bytes have two readings, such as a PDF with a zip behind it",
        "two programs would show different files",
    ),
    FindingCode(
        "not_examined",
        "worker",
        "unscannable",
        "no check of the profile examined a reading of the bytes",
        UNSEEN,
        fixed=True,
    ),
    FindingCode(
        "member_not_allowed",
        "media_type",
        "reject",
        "a member is of a type that is not among the profile's member_types",
        "the profile says so",
    ),
    FindingCode(
        "yara_match",
        "yara",
        "reject",
        "a YARA rule matches; the rule says what it amounts to",
        "the rule says so",
        fixed=True,
    ),
    FindingCode(
        "clamd_match", "clamd", "reject", "ClamAV found something: the outcome is infected", "it is malware", fixed=True
    ),
    FindingCode(
        "above_engine_limit", "clamd", "unscannable", "larger than ClamAV can take (2 GiB)", UNSEEN, fixed=True
    ),
    FindingCode(
        "malformed",
        "image, pdf, markup, office, archive, text, mail, media",
        "reject",
        "it breaks its format's rules",
        BROKEN,
    ),
    FindingCode(
        "truncated", "image, pdf, media", "reject", "the file ends before its content does", "the upload was cut off"
    ),
    FindingCode(
        "irregular",
        "image, pdf, archive, office, media, mail, markup, text",
        "note",
        "a small breach of the format that every program reads in the same way",
        "phones and printers write it",
    ),
    FindingCode(
        "leading_data",
        "media_type",
        "reject",
        "further bytes stand before its beginning",
        "a program that begins at the first byte takes the file for another one",
    ),
    FindingCode(
        "trailing_data",
        "image, pdf, archive, office, media, mail",
        "reject",
        "further bytes follow its end, and what they are is not known",
        "they may be a file for another program",
    ),
    FindingCode(
        "maker_trailer",
        "image, media",
        "note",
        "a camera maker's own data follow the picture",
        "phones and cameras write it, and no program runs it",
    ),
    FindingCode(
        "unsupported",
        "image, pdf, media, office, archive, mail, markup",
        "unscannable",
        "it may be well-formed, but is not decoded here",
        UNSEEN,
    ),
    FindingCode(
        "encrypted", "pdf, office, archive, mail, media, clamd", "unscannable", "it needs a password or a key", UNSEEN
    ),
    *ACTIVE_CODES,
    FindingCode(
        "path_traversal", "archive", "reject", "unpacking it would leave its folder", "it overwrites other files"
    ),
    FindingCode(
        "link", "archive", "reject", "a link that leads out of the archive, or a device", "it overwrites other files"
    ),
    FindingCode(
        "inner_link", "archive", "note", "a link that stays inside the archive", "source trees and apps have them"
    ),
    FindingCode(
        "hidden_entry",
        "archive, office",
        "reject",
        "an entry or bytes that the archive's directory does not list",
        "some programs unpack it, others do not",
    ),
    FindingCode(
        "ambiguous_name",
        "archive, mail",
        "reject",
        "programs would unpack an entry to different names or contents",
        "what was examined may not be what is unpacked",
    ),
    FindingCode(
        "overlapping_entries", "archive", "reject", "entries share the same bytes", "a small file fills the disk"
    ),
    FindingCode(
        "unsupported_compression",
        "archive",
        "unscannable",
        "compressed by a method that cannot be unpacked here",
        UNSEEN,
    ),
    FindingCode(
        "attached_stream",
        "media",
        "reject",
        "a media file carries attachments, data or streams that players do not need",
        "they may be a file for another program",
    ),
    FindingCode(
        "limits_exceeded",
        "image, pdf, markup, office, archive, text, mail, media, clamd",
        "unscannable",
        "a limit was reached; the message names it",
        UNSEEN,
        fixed=True,
    ),
    FindingCode(
        "timed_out",
        "yara, image, pdf, markup, office, archive, text, mail, media",
        "unscannable",
        "it took too long",
        UNSEEN,
        fixed=True,
    ),
    FindingCode(
        "more_findings",
        "worker",
        "note",
        "there are more findings than a verdict has room for: the gravest decides",
        "it is a count",
        fixed=True,
    ),
    FindingCode(
        "gave_up",
        "worker",
        "unscannable",
        "Airlock's fault: every attempt failed (outcome `failed`); the message says why",
        "nobody examined it",
        fixed=True,
    ),
)

FINDING_CODES: Mapping[str, FindingCode] = MappingProxyType({each.code: each for each in _CODES})
"""All codes, in the order of docs/checks.md."""
