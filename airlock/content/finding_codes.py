"""Every code that a finding of a check can have: what it means, what it amounts to by default, and why. Pure.

A profile changes what a code amounts to in `[profiles.NAME.findings]`: `reject`, `unscannable` or `note`
(recorded, and no objection). Codes that are `fixed` say that bytes are malicious, are not the declared ones, or could
not be trusted to have been looked at: no profile can lift them. docs/checks.md is written from this table.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

Amount = Literal["reject", "unscannable", "note"]
"""What a finding amounts to: the object is rejected, is unscannable, or the finding is only recorded."""


class FindingCode(NamedTuple):
    """`checks` report it; `why` says why it amounts to `default` where no profile says otherwise."""

    code: str
    checks: str
    default: Amount
    meaning: str
    why: str
    fixed: bool = False


def _code(code: str, checks: str, default: Amount, meaning: str, why: str, *, fixed: bool = False) -> FindingCode:
    return FindingCode(code, checks, default, meaning, why, fixed)


_BROKEN = "programs read broken files differently, so what was examined may not be what a program shows"
_ACTS = "it acts without a click, as soon as the file is opened"
_LOADS = "opening the file tells its sender who opened it, or brings in bytes that nobody examined"
_CLICKED = "it acts only when a person clicks it or agrees to it, as any link does"
_UNSEEN = "what was not examined is never accepted"

_CODES = (
    _code("too_small", "size", "reject", "fewer bytes than the profile's minimum", "the profile says so", fixed=True),
    _code("too_large", "size", "reject", "more bytes than the profile's maximum", "the profile says so", fixed=True),
    _code("size_mismatch", "size", "reject", "not the declared size", "the upload is not the one meant", fixed=True),
    _code("checksum_mismatch", "checksum", "reject", "not the declared SHA-256", "the bytes changed", fixed=True),
    _code(
        "media_type_mismatch",
        "media_type",
        "reject",
        "the bytes are of another type than the declared one",
        "whoever opens it trusts the type",
    ),
    _code(
        "extension_mismatch",
        "media_type",
        "reject",
        "the name's extension stands for another type, or is one that systems, browsers or servers run",
        "systems choose the program by the extension",
    ),
    _code(
        "media_type_corrected",
        "media_type",
        "note",
        "another type of the same family was declared; the object is kept under its true type",
        "browsers and systems declare types by the name alone",
    ),
    _code(
        "content_type_not_allowed",
        "media_type",
        "reject",
        "the true type is none that the profile takes",
        "the profile says so",
    ),
    _code(
        "polyglot",
        "media_type, image, media",
        "reject",
        "the bytes have two readings, such as a PDF with a zip behind it",
        "two programs would show different files",
    ),
    _code(
        "not_examined",
        "worker",
        "unscannable",
        "no check of the profile examined a reading of the bytes",
        _UNSEEN,
        fixed=True,
    ),
    _code(
        "member_not_allowed",
        "media_type",
        "reject",
        "a member is of a type that is not among the profile's member_types",
        "the profile says so",
    ),
    _code(
        "yara_match",
        "yara",
        "reject",
        "a YARA rule matches; the rule says what it amounts to",
        "the rule says so",
        fixed=True,
    ),
    _code(
        "clamd_match", "clamd", "reject", "ClamAV found something: the outcome is infected", "it is malware", fixed=True
    ),
    _code("above_engine_limit", "clamd", "unscannable", "larger than ClamAV can take (2 GiB)", _UNSEEN, fixed=True),
    _code(
        "malformed",
        "image, pdf, markup, office, archive, text, mail, media",
        "reject",
        "it breaks its format's rules",
        _BROKEN,
    ),
    _code(
        "truncated", "image, pdf, media", "reject", "the file ends before its content does", "the upload was cut off"
    ),
    _code(
        "irregular",
        "image, pdf, archive, office, media, mail, markup, text",
        "note",
        "a small breach of the format that every program reads in the same way",
        "phones and printers write it",
    ),
    _code(
        "leading_data",
        "media_type",
        "reject",
        "further bytes stand before its beginning",
        "a program that begins at the first byte takes the file for another one",
    ),
    _code(
        "trailing_data",
        "image, pdf, archive, office, media, mail",
        "reject",
        "further bytes follow its end, and what they are is not known",
        "they may be a file for another program",
    ),
    _code(
        "maker_trailer",
        "image, media",
        "note",
        "a camera maker's own data follow the picture",
        "phones and cameras write it, and no program runs it",
    ),
    _code(
        "unsupported",
        "image, pdf, media, office, archive, mail, markup",
        "unscannable",
        "it may be well-formed, but is not decoded here",
        _UNSEEN,
    ),
    _code(
        "encrypted", "pdf, office, archive, mail, media, clamd", "unscannable", "it needs a password or a key", _UNSEEN
    ),
    _code("javascript", "pdf", "reject", "the PDF runs scripts", _ACTS),
    _code(
        "form_script",
        "pdf",
        "note",
        "scripts of form fields that only format, by an allow-list of Acrobat's functions",
        "they compute what a field shows",
    ),
    _code("launch_action", "pdf", "reject", "the PDF starts a program", _ACTS),
    _code("remote_action", "pdf", "reject", "the PDF opens, sends to or plays something that is not in it", _LOADS),
    _code("external_stream", "pdf", "reject", "the content of a stream is in another file", _LOADS),
    _code(
        "unsafe_link",
        "pdf, office, markup, mail, text",
        "reject",
        "a link of a scheme that is not among those allowed (http, https, mailto, tel and the like)",
        "a click starts a program or reaches a share",
    ),
    _code(
        "external_link",
        "office, pdf, mail",
        "note",
        "a link to another file or workbook that opens when it is clicked or agreed to",
        _CLICKED,
    ),
    _code("script", "markup, text, mail, office", "reject", "it runs scripts", _ACTS),
    _code("event_handler", "markup, office", "reject", "attributes that run scripts", _ACTS),
    _code(
        "foreign_object",
        "markup, mail, office, text",
        "reject",
        "it embeds foreign content",
        "it shows a page of another format",
    ),
    _code(
        "external_reference",
        "markup, image, media, mail, office, text",
        "reject",
        "it loads something from elsewhere when it is opened",
        _LOADS,
    ),
    _code(
        "entity_expansion",
        "markup, office, mail, text",
        "reject",
        "it defines entities that grow",
        "a small file fills the memory",
    ),
    _code("macros", "office", "reject", "it has macros", "they run with the reader's rights"),
    _code("empty_macros", "office", "note", "it has a macro project without code", "there is nothing to run"),
    _code(
        "remote_template",
        "office, mail",
        "reject",
        "it loads a template, a frame or another part when it is opened",
        _LOADS,
    ),
    _code(
        "embedded_object",
        "office, mail",
        "reject",
        "it embeds an object that a program of its own opens",
        "the object is a program's data that nobody examined",
    ),
    _code(
        "active_field",
        "office, mail, markup",
        "reject",
        "a field or a formula that fetches something or starts a program",
        _ACTS,
    ),
    _code("external_data", "office", "reject", "connections or queries that fetch data when it is opened", _LOADS),
    _code(
        "active_action",
        "office, text, pdf",
        "reject",
        "a click or a hover starts a program or a macro, or an action is of an unknown kind",
        _ACTS,
    ),
    _code("web_extension", "office", "reject", "it loads an add-in of a web site", _LOADS),
    _code(
        "active_formula",
        "text, office, markup, mail",
        "reject",
        "a cell that starts a program when a spreadsheet program opens it",
        _ACTS,
    ),
    _code("path_traversal", "archive", "reject", "unpacking it would leave its folder", "it overwrites other files"),
    _code(
        "link", "archive", "reject", "a link that leads out of the archive, or a device", "it overwrites other files"
    ),
    _code("inner_link", "archive", "note", "a link that stays inside the archive", "source trees and apps have them"),
    _code(
        "hidden_entry",
        "archive, office",
        "reject",
        "an entry or bytes that the archive's directory does not list",
        "some programs unpack it, others do not",
    ),
    _code(
        "ambiguous_name",
        "archive, mail",
        "reject",
        "programs would unpack an entry to different names or contents",
        "what was examined may not be what is unpacked",
    ),
    _code("overlapping_entries", "archive", "reject", "entries share the same bytes", "a small file fills the disk"),
    _code(
        "unsupported_compression",
        "archive",
        "unscannable",
        "compressed by a method that cannot be unpacked here",
        _UNSEEN,
    ),
    _code(
        "attached_stream",
        "media",
        "reject",
        "a media file carries attachments, data or streams that players do not need",
        "they may be a file for another program",
    ),
    _code(
        "limits_exceeded",
        "image, pdf, markup, office, archive, text, mail, media, clamd",
        "unscannable",
        "a limit was reached; the message names it",
        _UNSEEN,
        fixed=True,
    ),
    _code(
        "timed_out",
        "yara, image, pdf, markup, office, archive, text, mail, media",
        "unscannable",
        "it took too long",
        _UNSEEN,
        fixed=True,
    ),
    _code(
        "more_findings",
        "worker",
        "note",
        "there are more findings than a verdict has room for: the gravest decides",
        "it is a count",
        fixed=True,
    ),
    _code(
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
