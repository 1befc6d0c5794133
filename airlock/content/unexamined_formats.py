"""The formats that no check examines: they are recognised so that a verdict can say what the bytes are. Pure."""

from collections.abc import Iterator

from airlock.content.format import OCTET_STREAM, Family, Format


def _formats(family: Family, table: str) -> Iterator[Format]:
    """A format for each line of `table`: its media type, and its extensions."""
    for line in table.split("\n"):
        if words := line.split():
            yield Format(words[0], family, None, tuple(words[1:]))


UNEXAMINED: tuple[Format, ...] = (
    *_formats(
        "program",
        """
        application/x-dosexec exe dll com scr sys drv ocx cpl efi pif
        application/x-executable elf so ko o
        application/x-mach-binary dylib bundle
        application/java-vm class
        application/vnd.android.dex dex
        application/wasm wasm
        application/x-msi msi msp mst
        application/x-ms-shortcut lnk
        application/x-mswinurl url website
        application/hta hta
        application/x-mimearchive mht mhtml
        text/x-ms-regedit reg
        application/x-desktop desktop
        application/vnd.ms-htmlhelp chm
        application/onenote one onepkg
        application/x-apple-diskimage dmg
        application/x-virtual-disk vhd vhdx vmdk qcow2 img
        application/x-rpm rpm
        application/x-sylk slk
        application/postscript ps eps ai
        application/x-shockwave-flash swf
        application/x-bytecode
        application/x-ms-system-file
        """,
    ),
    *_formats(
        "",
        """
        application/vnd.ms-wordml
        application/x-sqlite3 sqlite db sqlite3
        font/ttf ttf
        font/otf otf
        font/woff woff
        font/woff2 woff2
        image/vnd.microsoft.icon ico cur
        image/vnd.adobe.photoshop psd
        image/jp2 jp2
        image/jxl jxl
        image/emf emf
        image/wmf wmf
        audio/x-ms-wma wma
        video/x-ms-wmv wmv asf
        application/x-bplist
        application/vnd.ms-outlook-pst pst ost dbx
        application/vnd.tcpdump.pcap pcap pcapng
        application/x-old-document
        application/x-other-archive
        application/x-other-data
        font/x-other
        """,
    ),
    Format("application/vnd.ms-tnef", "", None, ("tnef",), ("application/ms-tnef",)),
    # What servers and download managers call a file of which they say nothing.
    Format(
        OCTET_STREAM,
        synonyms=(
            "binary/octet-stream",
            "application/binary",
            "application/unknown",
            "application/x-unknown",
            "application/download",
            "application/x-download",
            "application/force-download",
            "application/x-force-download",
        ),
    ),
)
