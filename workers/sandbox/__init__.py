"""Child processes in which hostile bytes are parsed, so that what they do to a parser they do to nothing else."""

from workers.sandbox.frames import Done, Frame, MemberData, MemberEnd, MemberStart
from workers.sandbox.pool import Sandbox

__all__ = ["Done", "Frame", "MemberData", "MemberEnd", "MemberStart", "Sandbox"]
