"""What identification finds: readings, and what is wrong with the bytes before an examiner sees them. Pure."""

from typing import NamedTuple

MEDIA_TYPE = "media_type"
"""The check by which a profile asks that an object is what it is declared and named as.

It reports what identification finds.
"""


class Reading(NamedTuple):
    """One format in which programs that people use would read the bytes.

    `media_type` is canonical. `start` is the offset in bytes at which the format begins (a zip behind a stub, a PDF
    behind a line). `end` is where it ends, where identification knows that (0: not known). `claimed` says that the type
    is that of the file's name or declaration, of a format that has no signature (a text that is declared as CSV).
    """

    media_type: str
    start: int = 0
    end: int = 0
    claimed: bool = False


class ExaminerFinding(NamedTuple):
    """What an examiner reports; `message` is a sentence for the uploader, without the name of the file."""

    code: str
    message: str
