"""SVG pictures inside documents: office programs draw them and run nothing, but they can be saved and opened."""

import io

from workers.inspection.parsers import markup
from workers.inspection.parsers.port import Output
from workers.inspection.readings import Reading

SVG = "image/svg+xml"


def examine_svg(picture: io.BytesIO, output: Output) -> None:
    """Examine the picture as one that is uploaded."""
    size = picture.getbuffer().nbytes
    markup.examine(picture, size, Reading(SVG), markup.DEFAULTS, output)
