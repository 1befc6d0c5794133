"""Ogg (RFC 3533): pages, each with the sizes of its packets. FFmpeg says nothing of a page that is not whole.

A file that is cut between two pages lacks the last page's mark, as do recordings of programs that were stopped: a note.
"""

from workers.inspection.parsers.medias.medium import MalformedMedium, Medium

_HEADER = 27
_LAST = 4
_SEARCHED = 1024 * 1024


def examine(medium: Medium) -> None:
    """Codes: truncated, irregular. Raises MalformedMedium."""
    at, last, pages = 0, 0, 0
    while at < medium.size:
        header = medium.at(at, _HEADER + 255)
        if not header.startswith(b"OggS"):
            found = medium.at(at, _SEARCHED).find(b"OggS")
            if found < 0:
                medium.remains(at)
                break
            medium.note("Other data stand between the pages of the Ogg.")
            at += found
            continue
        segments = header[26] if len(header) >= _HEADER else 255
        table = header[_HEADER : _HEADER + segments]
        end = at + _HEADER + segments + sum(table)
        if len(table) < segments or end > medium.size:
            medium.truncated()
            return
        at, last, pages = end, header[5], pages + 1
    if not pages:
        raise MalformedMedium("There is no recording in the Ogg.")
    if not last & _LAST:
        medium.note("The last page of the Ogg is not marked as the last.")
