"""A case: one thing that can be done to a form, and its answer.

Each is made from an upload of its own. It is refused, or, where two values or two files leave the server a choice,
what is stored is what the policy says.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.enforcement.form import Form
from tests.enforcement.server import Who


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
