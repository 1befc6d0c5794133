"""The terms on which an upload is allowed: how large it is, until when it is sent, and where it goes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from tests.enforcement.form import Form
from tests.enforcement.hostile.case import NO_SCOPE, STORED, TOO_LARGE, TOO_SMALL, Answer, Case, Change, Given, case
from tests.enforcement.hostile.changes import honest, script
from tests.enforcement.server import LIFETIME, MAX, MIN, Who


def every_size() -> Iterator[Case]:
    ranged = partial(case, declared=(), size=MIN)
    exact = partial(case, declared=("size",), size=100)
    yield ranged("the smallest that is taken", honest, answer=STORED)
    yield ranged("the largest that is taken", Form.carrying, script(MAX), answer=STORED)
    yield ranged("one byte less than is taken", Form.carrying, script(MIN - 1), answer=TOO_SMALL)
    yield ranged("no bytes", Form.carrying, b"", answer=TOO_SMALL)
    yield ranged("one byte more than is taken", Form.carrying, script(MAX + 1), answer=TOO_LARGE)
    yield ranged("twice what is taken", Form.carrying, script(2 * MAX), answer=TOO_LARGE)
    yield ranged("a megabyte", Form.carrying, script(1024**2), answer=TOO_LARGE)
    yield ranged("eight megabytes", Form.carrying, script(8 * 1024**2), answer=TOO_LARGE)
    yield exact("exactly what was declared", honest, answer=STORED)
    yield exact("one byte less than was declared", Form.carrying, script(99), answer=TOO_SMALL)
    yield exact("one byte more than was declared", Form.carrying, script(101), answer=TOO_LARGE)
    yield exact("no bytes where some were declared", Form.carrying, b"", answer=TOO_SMALL)
    yield exact("a megabyte where little was declared", Form.carrying, script(1024**2), answer=TOO_LARGE)


def every_time() -> Iterator[Case]:
    later = "20990101T000000Z"
    yield case("nearly expired", honest, answer=STORED, who=Who(since=-LIFETIME + 60))
    yield case("expired two seconds ago", honest, who=Who(since=-LIFETIME - 2))
    yield case("expired an hour ago", honest, who=Who(since=-LIFETIME - 3600))
    yield case("expired years ago", honest, who=Who(since=-5 * 365 * 86400))
    yield case("expired, of a role", honest, who=Who("session", since=-LIFETIME - 2))
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


def _root(given: Given) -> str:
    return given.form.url.rpartition("/")[0] + "/"
