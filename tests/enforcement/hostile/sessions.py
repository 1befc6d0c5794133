"""Forms that a role's session signed, which hold its token, too."""

from collections.abc import Callable, Iterator
from functools import partial

from tests.enforcement.form import Form
from tests.enforcement.hostile.case import FORGED, INCOMPLETE, NO_TOKEN, STORED, Answer, Case, case
from tests.enforcement.hostile.changes import honest, rewritten
from tests.enforcement.hostile.fields import HOSTILE
from tests.enforcement.server import Who


def every_session() -> Iterator[Case]:
    token, keys = "x-amz-security-token", "x-amz-credential"
    role = partial(case, who=Who("session"))
    two = Who("session", other="another session")

    def text(name: str, change: Callable[[str], str], answer: Answer = NO_TOKEN) -> Case:
        return role(f"a token {name}", rewritten, token, change, answer=answer)

    yield role("a role's own form", honest, answer=STORED)
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


def _altered(token: str) -> str:
    middle = len(token) // 2
    return token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
