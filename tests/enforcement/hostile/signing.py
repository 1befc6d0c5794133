"""What a signature is made of: the scope of its key, the policy that it signs, and its own digits."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

from airlock.policy import signature, signer_of
from tests.enforcement.form import Form
from tests.enforcement.hostile.case import FORGED, NO_SCOPE, NOBODY, Answer, Case, case
from tests.enforcement.hostile.changes import honest, rewritten
from tests.enforcement.server import OTHER_REGION, REGION, Who


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
    yield case("a policy for another region", honest, answer=NO_SCOPE, who=Who(region=OTHER_REGION))
    yield case("another secret", honest, answer=FORGED, who=Who("another secret"))
    yield case("no secret", honest, answer=FORGED, who=Who("no secret"))
    yield case("a key id that nobody has", honest, answer=NOBODY, who=Who("unknown key"))
    yield case("the keys of somebody who may not", honest, who=Who("stranger"))


def every_policy() -> Iterator[Case]:
    def text(name: str, change: Callable[[str], str]) -> Case:
        return case(f"a policy {name}", rewritten, "policy", change, answer=FORGED)

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
        return case(f"a signature {name}", rewritten, "x-amz-signature", change, answer=FORGED)

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


def _at_noon(form: Form) -> Form:
    return form.altered("x-amz-date", form.fields["x-amz-date"][:8] + "T120000Z")


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


def _signed(form: Form, secret: str) -> Form:
    day = form.fields["x-amz-date"][:8]
    return form.altered("x-amz-signature", signature(signer_of(secret, day, REGION), form.fields["policy"].encode()))
