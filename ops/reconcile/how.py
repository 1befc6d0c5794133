"""How a run goes about it."""

from dataclasses import dataclass
from typing import Final, Literal

Look = Literal["multipart", "incoming", "settled", "records"]
LOOKS: Final[tuple[Look, ...]] = ("multipart", "incoming", "settled", "records")


@dataclass(frozen=True)
class How:
    """Times in seconds.

    `stuck`: an upload whose record did not change for so long is nobody's work any more. `grace`: what is younger is on
    its way. `multipart`: the age at which an open multipart upload is aborted. `rate`: repairs a second at most.
    `backlog`: nothing is sent while more messages than that wait in the queue, since what was not looked at yet may be
    among them.
    """

    stuck: float = 15 * 60
    grace: float = 15 * 60
    multipart: float = 24 * 3600
    rate: float = 200
    backlog: int = 10_000
    dry_run: bool = False
    looks: tuple[Look, ...] = LOOKS
