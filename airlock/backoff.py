"""Exponential backoff with jitter: how long to pause before the next try.

https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

from dataclasses import dataclass

from airlock.callables import Uniform

# A power of a large number of failures would overflow. Long before that the longest pause is reached.
_MOST_STEPS = 60


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses in seconds: `first` after the first failure, `growth` times as long after each further one.

    No pause is longer than `longest`. `jitter` is the part of a pause that is drawn at random: 0 is none, 0.5 the
    second half ("equal jitter"), 1 all of it ("full jitter").
    """

    first: float
    longest: float
    growth: float = 2.0
    jitter: float = 0.0

    def pause(self, failures: int, uniform: Uniform) -> float:
        """The pause after so many failures in a row (from 1)."""
        most = self.most(failures)
        return uniform(most * (1 - self.jitter), most)

    def most(self, failures: int) -> float:
        """The longest that `pause` can be after so many failures."""
        return min(self.longest, self.first * self.growth ** min(failures - 1, _MOST_STEPS))
