"""Requests of another shape than a form's: its parts in another order, another body, another method."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from urllib.parse import urlencode

from tests.enforcement.form import BOUNDARY, MULTIPART, Form, Part
from tests.enforcement.hostile.case import (
    DENIED,
    FORGED,
    INCOMPLETE,
    NO_FORM,
    NO_SCOPE,
    STORED,
    TOO_LARGE,
    Answer,
    Case,
    case,
)
from tests.enforcement.hostile.changes import script


def every_shape() -> Iterator[Case]:
    def parts(name: str, change: Callable[[tuple[Part, ...]], Iterable[Part]], answer: Answer = DENIED) -> Case:
        return case(name, lambda form: replace(form, parts=tuple(change(form.parts))), answer=answer)

    def raw(name: str, change: Callable[[Form], bytes], kind: str = MULTIPART["Content-Type"]) -> Case:
        return case(name, lambda form: replace(form, raw=change(form), headers={"Content-Type": kind}), answer=NO_FORM)

    small, large = Part("file", script(100), "second"), Part("file", script(5000), "second")
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


def _cut(form: Form, end: int) -> Form:
    return replace(form, raw=form.encode()[:-end])


def _bare(form: Form, method: str, query: str = "") -> Form:
    return replace(form, method=method, url=f"{form.url}/{form.key}{query}", raw=form.body, headers={})


def _queried(form: Form, method: str) -> Form:
    return _bare(form, method, f"?{urlencode(form.fields)}")


def _with_headers(form: Form, method: str) -> Form:
    return replace(_bare(form, method), headers={name: value for name, value in form.fields.items() if name != "key"})
