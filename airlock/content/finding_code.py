"""What is known of one code of findings, and reasons that several codes have. Pure."""

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


BROKEN = "programs read broken files differently, so what was examined may not be what a program shows"
ACTS = "it acts without a click, as soon as the file is opened"
LOADS = "opening the file tells its sender who opened it, or brings in bytes that nobody examined"
CLICKED = "it acts only when a person clicks it or agrees to it, as any link does"
UNSEEN = "what was not examined is never accepted"
