"""The catalogue: what can be done to a form that our service issued, and how it is answered.

Each case is made from an upload of its own. It is refused, or, where two values or two files leave the server a choice,
what is stored is what the policy says.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlencode

from airlock.policy import signature, signer_of
from tests.enforcement.form import BOUNDARY, MULTIPART, Form, Part
from tests.enforcement.server import LIFETIME, MAX, MIN, OTHER_REGION, REGION, Who


class Given(NamedTuple):
    """What the attacker holds: the form, another upload's by the same owner, and the name of a second bucket."""

    form: Form
    other: Form
    bucket: str


class Answer(NamedTuple):
    """ministack's status and code, which are Amazon's where that documents them, and Ceph's status."""

    status: int
    code: str
    ceph: int


# Stored, and exactly as the policy says: an honest form, or one whose deviation the server did not take.
STORED = Answer(204, "", 204)
DENIED = Answer(403, "AccessDenied", 403)
FORGED = Answer(403, "SignatureDoesNotMatch", 403)
NOBODY = Answer(403, "InvalidAccessKeyId", 403)
NO_TOKEN = Answer(400, "InvalidToken", 403)
NO_SCOPE = Answer(400, "InvalidArgument", 403)
INCOMPLETE = Answer(400, "InvalidArgument", 400)
NO_FORM = Answer(403, "AccessDenied", 400)
TOO_SMALL = Answer(400, "EntityTooSmall", 400)
TOO_LARGE = Answer(400, "EntityTooLarge", 400)

Change = Callable[[Given], Form]


@dataclass(frozen=True)
class Case:
    """One deviation. `size` is how many bytes the honest file has; `declared` is what the upload said of it."""

    name: str
    change: Change
    answer: Answer = DENIED
    who: Who = field(default_factory=Who)
    size: int = 100
    declared: tuple[str, ...] = ("size", "sha256")


def case(name: str, change: Callable[..., Form], *args: Any, answer: Answer = DENIED, **more: Any) -> Case:
    """A case that needs only the form: `change` gets it, and `args` after it."""
    return Case(name, lambda given: change(given.form, *args), answer, **more)


ANOTHER_SHA256 = "ab" * 32
HOSTILE: Mapping[str, str] = MappingProxyType(
    {
        "Content-Type": "image/svg+xml",
        "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(ANOTHER_SHA256)).decode(),
        "x-amz-meta-sha256": ANOTHER_SHA256,
        "x-amz-meta-size": "1",
        "x-amz-meta-owner": "press",
        "x-amz-meta-profile": "archives",
        "x-amz-meta-filename": "other.html",
        "x-amz-meta-user-note": "for me",
        "key": "incoming/elsewhere",
        "x-amz-algorithm": "AWS4-HMAC-SHA1",
        "x-amz-credential": f"AKIAIOSFODNN7EXAMPLE/20260101/{REGION}/s3/aws4_request",
        "x-amz-date": "20260101T000000Z",
        "policy": base64.b64encode(b'{"expiration": "2099-01-01T00:00:00Z", "conditions": []}').decode(),
        "x-amz-signature": "0123456789abcdef" * 4,
    }
)
"""A value of the attacker's for every field of a form."""

# Of two values of one field both servers take the last; Amazon does not say which it takes. What counts is that the
# value that is used is the one that was checked.
WAYS: Mapping[str, Callable[[Form, str, str], Form]] = MappingProxyType(
    {
        "altered": lambda form, name, value: form.altered(name, value),
        "removed": lambda form, name, _: form.without(name),
        "emptied": lambda form, name, _: form.altered(name, ""),
        "preceded by another": lambda form, name, value: form.preceded(name, value),
        "followed by another": lambda form, name, value: form.followed(name, value),
        "again in capitals": lambda form, name, value: form.added(name.upper(), value),
    }
)
# What the fields of the signature are answered with, in that order.
_OF_SIGNING: Mapping[str, tuple[Answer, ...]] = MappingProxyType(
    {
        "key": (DENIED, INCOMPLETE, INCOMPLETE, STORED, DENIED, DENIED),
        "x-amz-algorithm": (INCOMPLETE, INCOMPLETE, INCOMPLETE, STORED, INCOMPLETE, INCOMPLETE),
        "x-amz-credential": (NO_SCOPE, NO_FORM, DENIED, STORED, NO_SCOPE, NO_SCOPE),
        "x-amz-date": (NO_SCOPE, INCOMPLETE, NO_SCOPE, STORED, NO_SCOPE, NO_SCOPE),
        "policy": (FORGED, NO_SCOPE, NO_SCOPE, STORED, FORGED, FORGED),
        "x-amz-signature": (FORGED, INCOMPLETE, NO_SCOPE, STORED, FORGED, FORGED),
    }
)
_OF_OTHERS = (DENIED, DENIED, DENIED, STORED, DENIED, DENIED)


def every_field() -> Iterator[Case]:
    for name, value in HOSTILE.items():
        answers = _OF_SIGNING.get(name, _OF_OTHERS)
        for (way, change), answer in zip(WAYS.items(), answers, strict=True):
            yield case(f"{name} {way}", change, name, value, answer=answer)


ADDED: Mapping[str, str] = MappingProxyType(
    {
        "acl": "public-read",
        "x-amz-acl": "public-read",
        "x-amz-grant-read": 'uri="http://acs.amazonaws.com/groups/global/AllUsers"',
        "success_action_redirect": "https://evil.example/",
        "redirect": "https://evil.example/",
        "success_action_status": "201",
        "x-amz-meta-other": "x",
        "x-amz-meta-user-reference": "x",
        "tagging": "<Tagging><TagSet><Tag><Key>scanned</Key><Value>clean</Value></Tag></TagSet></Tagging>",
        "x-amz-tagging": "scanned=clean",
        "x-amz-storage-class": "DEEP_ARCHIVE",
        "x-amz-server-side-encryption": "AES256",
        "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:eu-central-1:111122223333:key/other",
        "x-amz-server-side-encryption-customer-algorithm": "AES256",
        "x-amz-website-redirect-location": "https://evil.example/",
        "x-amz-object-lock-mode": "COMPLIANCE",
        "x-amz-object-lock-retain-until-date": "2099-01-01T00:00:00Z",
        "x-amz-object-lock-legal-hold": "ON",
        "x-amz-security-token": "a-token-that-nobody-issued",
        "x-amz-checksum-crc32": "AAAAAA==",
        "x-amz-checksum-algorithm": "CRC32",
        "x-amz-copy-source": "/bucket/key",
        "x-amz-request-payer": "requester",
        "Content-Disposition": "inline",
        "Content-Encoding": "gzip",
        "Content-Language": "en",
        "Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg==",
        "Cache-Control": "public, max-age=31536000",
        "Expires": "Thu, 01 Jan 2099 00:00:00 GMT",
        "bucket": "accepted",
        "unknown": "x",
        "submit": "Upload",
    }
)
# Ceph has no such storage class.
_OF_ADDED = {"x-amz-security-token": NO_TOKEN, "x-amz-storage-class": NO_FORM}


def every_other_field() -> Iterator[Case]:
    for name, value in ADDED.items():
        yield case(f"{name} added", Form.added, name, value, answer=_OF_ADDED.get(name, DENIED))
    yield case(
        "the older signature added", lambda form: form.added("AWSAccessKeyId", "AKIA").added("signature", "AAAA")
    )
    yield case("a field that is larger than a form may be", lambda form: form.added("x-amz-meta-other", "x" * 21_000))


def every_size() -> Iterator[Case]:
    ranged = partial(case, declared=(), size=MIN)
    exact = partial(case, declared=("size",), size=100)
    yield ranged("the smallest that is taken", _honest, answer=STORED)
    yield ranged("the largest that is taken", Form.carrying, _bytes(MAX), answer=STORED)
    yield ranged("one byte less than is taken", Form.carrying, _bytes(MIN - 1), answer=TOO_SMALL)
    yield ranged("no bytes", Form.carrying, b"", answer=TOO_SMALL)
    yield ranged("one byte more than is taken", Form.carrying, _bytes(MAX + 1), answer=TOO_LARGE)
    yield ranged("twice what is taken", Form.carrying, _bytes(2 * MAX), answer=TOO_LARGE)
    yield ranged("a megabyte", Form.carrying, _bytes(1024**2), answer=TOO_LARGE)
    yield ranged("eight megabytes", Form.carrying, _bytes(8 * 1024**2), answer=TOO_LARGE)
    yield exact("exactly what was declared", _honest, answer=STORED)
    yield exact("one byte less than was declared", Form.carrying, _bytes(99), answer=TOO_SMALL)
    yield exact("one byte more than was declared", Form.carrying, _bytes(101), answer=TOO_LARGE)
    yield exact("no bytes where some were declared", Form.carrying, b"", answer=TOO_SMALL)
    yield exact("a megabyte where little was declared", Form.carrying, _bytes(1024**2), answer=TOO_LARGE)


def every_time() -> Iterator[Case]:
    later = "20990101T000000Z"
    yield case("nearly expired", _honest, answer=STORED, who=Who(since=-LIFETIME + 60))
    yield case("expired two seconds ago", _honest, who=Who(since=-LIFETIME - 2))
    yield case("expired an hour ago", _honest, who=Who(since=-LIFETIME - 3600))
    yield case("expired years ago", _honest, who=Who(since=-5 * 365 * 86400))
    yield case("expired, of a role", _honest, who=Who("session", since=-LIFETIME - 2))
    yield case("expired, with a later date", Form.altered, "x-amz-date", later, answer=NO_SCOPE, who=Who(since=-86400))


def every_place() -> Iterator[Case]:
    def to(url: Callable[[Given], str]) -> Change:
        return lambda given: replace(given.form, url=url(given))

    def key(name: str, change: Callable[[str], str]) -> Case:
        return case(f"the key {name}", lambda form: form.altered("key", change(form.key)))

    yield Case("another bucket of ours", to(lambda given: _root(given) + given.bucket))
    yield Case(
        "a bucket that is not there",
        to(lambda given: _root(given) + "nobodys-bucket-anywhere"),
        Answer(404, "NoSuchBucket", 404),
    )
    yield Case("no bucket", to(_root), Answer(405, "MethodNotAllowed", 405))
    yield Case("the object's own address", to(lambda given: f"{given.form.url}/{given.form.key}"))
    yield key("climbs up", lambda true: f"incoming/../accepted/{true}")
    yield key("climbs up and back", lambda true: f"incoming/x/../{true.removeprefix('incoming/')}")
    yield key("begins with a dot", lambda true: f"./{true}")
    yield key("begins with a slash", lambda true: f"/{true}")
    yield key("has two slashes", lambda true: true.replace("/", "//"))
    yield key("has a backslash", lambda true: true.replace("/", "\\"))
    yield key("goes on", lambda true: f"{true}.html")
    yield key("has a folder below", lambda true: f"{true}/index.html")
    yield key("ends in a slash", lambda true: f"{true}/")
    yield key("is cut", lambda true: true[:-1])
    yield key("is in capitals", str.upper)
    yield key("has no prefix", lambda true: true.removeprefix("incoming/"))
    yield key("is percent-encoded", lambda true: true.replace("/", "%2F"))
    yield key("ends in white space", lambda true: f"{true} ")
    yield key("begins with white space", lambda true: f" {true}")
    yield key("ends in NUL", lambda true: f"{true}\0")
    yield key("ends in a line", lambda true: f"{true}\n")
    yield key("is the file's name", lambda _: "${filename}")
    yield key("ends in the file's name", lambda true: f"{true}${{filename}}")
    yield Case("the key of another upload", lambda given: given.form.taking(given.other, "key"))
    yield Case("the key of nobody's upload", lambda given: given.form.altered("key", "incoming/" + "ab" * 30))


def every_scope() -> Iterator[Case]:
    def scope(name: str, part: int, value: str, answer: Answer = NO_SCOPE) -> Case:
        return case(f"a credential of another {name}", _scoped, part, value, answer=answer)

    yield scope("key id", 0, "AKIAIOSFODNN7EXAMPLE", NOBODY)
    yield scope("day", 1, "20260101")
    yield scope("region", 2, OTHER_REGION)
    yield scope("service", 3, "sqs")
    yield scope("version", 4, "aws5_request")
    yield case("a credential without its end", Form.altered, "x-amz-credential", "AKIA/20260101", answer=NO_SCOPE)
    yield case("a date of another day", Form.altered, "x-amz-date", "20990101T000000Z", answer=NO_SCOPE)
    yield case("a date of another second", _at_noon)
    yield case("a policy for another region", _honest, answer=NO_SCOPE, who=Who(region=OTHER_REGION))
    yield case("another secret", _honest, answer=FORGED, who=Who("another secret"))
    yield case("no secret", _honest, answer=FORGED, who=Who("no secret"))
    yield case("a key id that nobody has", _honest, answer=NOBODY, who=Who("unknown key"))
    yield case("the keys of somebody who may not", _honest, who=Who("stranger"))


def every_policy() -> Iterator[Case]:
    def text(name: str, change: Callable[[str], str]) -> Case:
        return case(f"a policy {name}", _rewritten, "policy", change, answer=FORGED)

    def document(name: str, change: Callable[[bytes], bytes]) -> Case:
        return text(name, lambda true: base64.b64encode(change(base64.b64decode(true))).decode())

    def loaded(name: str, change: Callable[[Any], None]) -> Case:
        def rewritten(raw: bytes) -> bytes:
            read = json.loads(raw)
            change(read)
            assert read != json.loads(raw)
            return json.dumps(read).encode()

        return document(name, rewritten)

    yield text("that is cut by a character", lambda true: true[:-1])
    yield text("that is cut by four", lambda true: true[:-4])
    yield text("that is cut in half", lambda true: true[: len(true) // 8 * 4])
    yield text("with more at its end", lambda true: true + "AAAA")
    yield text("with more padding", lambda true: true + "====")
    yield text("with a line end", lambda true: true + "\r\n")
    yield text("folded as in mail", lambda true: "\r\n".join(true[at : at + 76] for at in range(0, len(true), 76)))
    yield text("in the URL's alphabet", lambda true: "-_" + true[2:])
    yield text("encoded twice", lambda true: base64.b64encode(true.encode()).decode())
    yield text("that is not encoded", lambda true: base64.b64decode(true).decode())
    yield text("that is no base64", lambda _: "!!!!")
    yield document("that is no JSON", lambda _: b"conditions: []")
    yield document("that is a list", lambda _: b"[]")
    yield document("of nothing", lambda _: b"{}")
    yield document("with other white space", lambda true: true.replace(b": ", b":"))
    yield document("with a byte order mark", lambda true: b"\xef\xbb\xbf" + true)
    yield document("in UTF-16", lambda true: true.decode().encode("utf-16"))
    yield document("with a second document", lambda true: true + true)
    yield loaded("that ends later", lambda read: read.update(expiration="2099-01-01T00:00:00Z"))
    yield loaded("without an end", lambda read: read.pop("expiration"))
    yield loaded("without conditions", lambda read: read["conditions"].clear())
    yield loaded("with its first condition removed", lambda read: read["conditions"].pop(0))
    yield loaded("in another order", lambda read: read["conditions"].reverse())
    yield loaded("of another size", lambda read: _sized(read["conditions"]))
    yield loaded("for every key", lambda read: read["conditions"].append(["starts-with", "$key", ""]))
    yield case("a wider policy for a wider form", _widened, answer=FORGED)
    yield Case("the policy of another upload", lambda given: given.form.taking(given.other, "policy"), FORGED)


def every_signature() -> Iterator[Case]:
    def signature(name: str, change: Callable[[str], str]) -> Case:
        return case(f"a signature {name}", _rewritten, "x-amz-signature", change, answer=FORGED)

    yield signature("with another first digit", lambda true: _another_digit(true[0]) + true[1:])
    yield signature("with another last digit", lambda true: true[:-1] + _another_digit(true[-1]))
    yield signature("in capitals", str.upper)
    yield signature("that is cut by a digit", lambda true: true[:-1])
    yield signature("that is cut to one digit", lambda true: true[0])
    yield signature("with a digit more", lambda true: true + "0")
    yield signature("said twice", lambda true: true + true)
    yield signature("after white space", lambda true: " " + true)
    yield signature("before white space", lambda true: true + " ")
    yield signature("with NUL", lambda true: true + "\0")
    yield signature("in base64", lambda true: base64.b64encode(bytes.fromhex(true)).decode())
    yield signature("of zeros", lambda true: "0" * len(true))
    yield signature(
        "in other letters", lambda true: true.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789abcdef"})
    )
    yield case("a signature by an empty secret", _signed, "", answer=FORGED)
    yield case("a signature by a guessed secret", _signed, "secret", answer=FORGED)
    yield Case(
        "the signature of another upload", lambda given: given.form.taking(given.other, "x-amz-signature"), FORGED
    )


def every_session() -> Iterator[Case]:
    token, keys = "x-amz-security-token", "x-amz-credential"
    role = partial(case, who=Who("session"))
    two = Who("session", other="another session")

    def text(name: str, change: Callable[[str], str], answer: Answer = NO_TOKEN) -> Case:
        return role(f"a token {name}", _rewritten, token, change, answer=answer)

    yield role("a role's own form", _honest, answer=STORED)
    yield text("altered in its middle", _altered)
    yield text("altered at its start", lambda true: ("B" if true[0] == "A" else "A") + true[1:])
    yield text("that is cut", lambda true: true[:-8])
    yield text("with more at its end", lambda true: true + "AAAA")
    yield text("that nobody issued", lambda _: "token")
    yield text("that is empty", lambda _: "", INCOMPLETE._replace(code="InvalidToken"))
    yield role("a token removed", Form.without, token, answer=NO_TOKEN)
    yield role("a token preceded by another", Form.preceded, token, "token", answer=STORED)
    yield role("a token followed by another", Form.followed, token, "token", answer=NO_TOKEN)
    yield role("a token again in capitals", Form.added, token.upper(), "token", answer=NO_TOKEN)
    for name in ("Content-Type", "key", "x-amz-meta-owner"):
        yield role(f"a role's {name} altered", Form.altered, name, HOSTILE[name])
    yield Case("another session's token", lambda given: given.form.taking(given.other, token), NO_TOKEN, two)
    yield Case("another session's keys", lambda given: given.form.taking(given.other, keys), NO_TOKEN, two)
    yield Case(
        "another session's keys and token", lambda given: given.form.taking(given.other, keys, token), FORGED, two
    )


def every_mixture() -> Iterator[Case]:
    def mixed(name: str, answer: Answer, *names: str) -> Case:
        return Case(f"another upload's {name}", lambda given: given.form.taking(given.other, *names), answer)

    signed = ("policy", "x-amz-signature")
    yield mixed("policy and signature", DENIED, *signed)
    yield mixed("key and signature", FORGED, "key", "x-amz-signature")
    yield mixed("key and policy", FORGED, "key", "policy")
    yield mixed("form with this one's metadata", DENIED, "key", *signed)
    yield mixed("metadata", DENIED, "x-amz-meta-filename", "x-amz-meta-user-note")
    yield mixed("file name", DENIED, "x-amz-meta-filename")


def every_shape() -> Iterator[Case]:
    def parts(name: str, change: Callable[[tuple[Part, ...]], Iterable[Part]], answer: Answer = DENIED) -> Case:
        return case(name, lambda form: replace(form, parts=tuple(change(form.parts))), answer=answer)

    def raw(name: str, change: Callable[[Form], bytes], kind: str = MULTIPART["Content-Type"]) -> Case:
        return case(name, lambda form: replace(form, raw=change(form), headers={"Content-Type": kind}), answer=NO_FORM)

    small, large = Part("file", _bytes(100), "second"), Part("file", _bytes(5000), "second")
    yield parts("the file first", lambda true: [true[-1], *true[:-1]], INCOMPLETE)
    yield parts("the file in the middle", lambda true: [*true[:5], true[-1], *true[5:-1]], INCOMPLETE)
    yield parts("the file before the signature", lambda true: [*true[:-2], true[-1], true[-2]], INCOMPLETE)
    yield parts("no file", lambda true: true[:-1], INCOMPLETE)
    yield parts("a file of another name", lambda true: [*true[:-1], true[-1]._replace(name="upload")], NO_SCOPE)
    yield parts("a file before the file", lambda true: [*true[:-1], small, true[-1]], STORED)
    yield parts("a larger file before the file", lambda true: [*true[:-1], large, true[-1]], TOO_LARGE)
    yield parts("a file behind the file", lambda true: [*true, small], STORED)
    yield parts("a larger file behind the file", lambda true: [*true, large], TOO_LARGE)
    yield parts("the file alone", lambda true: true[-1:], NO_FORM)
    yield parts("the key and the file alone", lambda true: [each for each in true if each.name in ("key", "file")])
    yield case("no policy and no signature", Form.without, "policy", "x-amz-signature", answer=NO_SCOPE)
    yield case("a form that ends early", _cut, 20, answer=INCOMPLETE)
    yield case("a form without its end", _cut, len(f"--{BOUNDARY}--\r\n"), answer=INCOMPLETE)
    yield raw("a form of another boundary", Form.encode, "multipart/form-data; boundary=other")
    yield raw("a form without a boundary", Form.encode, "multipart/form-data")
    yield raw("a form that says it is text", Form.encode, "text/plain")
    yield raw("a form as of a page", lambda form: urlencode(form.fields).encode(), "application/x-www-form-urlencoded")
    yield raw("a form as JSON", lambda form: json.dumps(form.fields).encode(), "application/json")
    yield raw("no body at all", lambda _: b"")


def every_method() -> Iterator[Case]:
    yield case("GET with the fields as a query", _queried, "GET", answer=FORGED)
    yield case("PUT with the fields as a query", _queried, "PUT", answer=FORGED)
    yield case("DELETE with the fields as a query", _queried, "DELETE", answer=FORGED)
    yield case("PUT with the fields as headers", _with_headers, "PUT")
    yield case("PUT of the form", lambda form: replace(form, method="PUT", url=f"{form.url}/{form.key}"))
    for method in ("GET", "PUT", "DELETE"):
        yield case(f"{method} by nobody", _bare, method)
    yield case("a multipart upload by nobody", _bare, "POST", "?uploads")


GROUPS: Mapping[str, Callable[[], Iterator[Case]]] = MappingProxyType(
    {
        "fields": every_field,
        "more fields": every_other_field,
        "sizes": every_size,
        "times": every_time,
        "places": every_place,
        "scopes": every_scope,
        "policies": every_policy,
        "signatures": every_signature,
        "sessions": every_session,
        "mixtures": every_mixture,
        "shapes": every_shape,
        "methods": every_method,
    }
)


def _bytes(size: int) -> bytes:
    return b"<script>" + b"x" * (size - 8)


def _root(given: Given) -> str:
    return given.form.url.rpartition("/")[0] + "/"


def _honest(form: Form) -> Form:
    return form


def _at_noon(form: Form) -> Form:
    return form.altered("x-amz-date", form.fields["x-amz-date"][:8] + "T120000Z")


def _rewritten(form: Form, name: str, change: Callable[[str], str]) -> Form:
    return form.altered(name, change(form.fields[name]))


def _scoped(form: Form, part: int, value: str) -> Form:
    scope = form.fields["x-amz-credential"].split("/")
    scope[part] = value
    return form.altered("x-amz-credential", "/".join(scope))


def _sized(conditions: list[Any]) -> None:
    place = next(at for at, each in enumerate(conditions) if isinstance(each, list))
    conditions[place] = ["content-length-range", 0, 5 * 1024**3]


def _widened(form: Form) -> Form:
    policy = base64.b64decode(form.fields["policy"]).replace(b"text/html", b"image/svg+xml")
    return form.altered("policy", base64.b64encode(policy).decode()).altered("Content-Type", "image/svg+xml")


def _another_digit(digit: str) -> str:
    return "1" if digit == "0" else "0"


def _altered(token: str) -> str:
    middle = len(token) // 2
    return token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]


def _signed(form: Form, secret: str) -> Form:
    day = form.fields["x-amz-date"][:8]
    return form.altered("x-amz-signature", signature(signer_of(secret, day, REGION), form.fields["policy"].encode()))


def _cut(form: Form, end: int) -> Form:
    return replace(form, raw=form.encode()[:-end])


def _bare(form: Form, method: str, query: str = "") -> Form:
    return replace(form, method=method, url=f"{form.url}/{form.key}{query}", raw=form.body, headers={})


def _queried(form: Form, method: str) -> Form:
    return _bare(form, method, f"?{urlencode(form.fields)}")


def _with_headers(form: Form, method: str) -> Form:
    return replace(_bare(form, method), headers={name: value for name, value in form.fields.items() if name != "key"})


def every_case() -> Iterator[Case]:
    for group in GROUPS.values():
        yield from group()
