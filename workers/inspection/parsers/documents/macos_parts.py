"""AppleDouble files among the parts of a document that was zipped by macOS (`__MACOSX/word/._document.xml`).

They have the names of parts, and are no parts: no office program and no reader of books opens them. Only macOS reads
them, so they are examined as the same files of an archive are.
"""

import io

from workers.inspection.parsers.archives import macos
from workers.inspection.parsers.archives.errors import MalformedArchive
from workers.inspection.parsers.documents.package import MalformedDocument, Package
from workers.inspection.parsers.port import Output

_LONGEST = 16 << 20


def set_aside_macos_parts(package: Package, output: Output) -> None:
    """Examine the AppleDouble files, and take them off the names of the package's parts.

    A file of such a name that is no AppleDouble file stays a part. Raises MalformedDocument and LimitExceeded.
    """
    for name in package.names:
        if name.rpartition("/")[2].startswith("._") and package.head(name).startswith(macos.APPLE_DOUBLE_MAGIC):
            content = package.read(name, _LONGEST)
            try:
                macos.read(io.BytesIO(content), len(content), macos.APPLE_DOUBLE, output.finding)
            except MalformedArchive as error:
                raise MalformedDocument(f"What macOS put beside a part of the document is broken: {error}.") from error
            package.set_aside(name)
