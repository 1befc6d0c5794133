"""The formats of archives and of compressed files. Pure."""

from airlock.content.format import ZIP, Format


def _archive(media_type: str, extensions: str = "", *synonyms: str) -> Format:
    return Format(media_type, "archive", "archive", tuple(extensions.split()), synonyms)


ARCHIVES = (
    _archive(
        ZIP,
        "zip",
        "application/x-zip",
        "application/x-zip-compressed",
        "application/zip-compressed",
        "multipart/x-zip",
        "application/x-compressed-zip",
    ),
    _archive(
        "application/gzip",
        "gz tgz",
        "application/x-gzip",
        "application/x-tgz",
        "application/x-gtar",
        "application/x-compressed-tar",
        "application/x-compressed",  # of Windows, for .tgz
        "application/x-gunzip",
        "application/tar+gzip",
        "application/x-tar-gz",
    ),
    _archive(
        "application/x-bzip2",
        "bz2 tbz2 tbz",
        "application/bzip2",
        "application/x-bzip",
        "application/x-bz2",
        "application/x-bzip-compressed-tar",
        "application/x-bzip2-compressed-tar",
    ),
    _archive("application/x-xz", "xz txz", "application/xz", "application/x-xz-compressed-tar"),
    _archive("application/zstd", "zst tzst", "application/x-zstd", "application/x-zstd-compressed-tar"),
    _archive("application/x-tar", "tar", "application/tar", "application/x-ustar"),
    _archive("application/x-7z-compressed", "7z", "application/x-7zip-compressed", "application/7z"),
    _archive("application/vnd.rar", "rar", "application/x-rar", "application/x-rar-compressed", "application/rar"),
    _archive("application/vnd.ms-cab-compressed", "cab", "application/x-cab"),
    _archive("application/x-iso9660-image", "iso", "application/x-cd-image"),
    _archive("application/x-lha", "lha lzh", "application/x-lzh-compressed", "application/x-lzh"),
    _archive("application/x-cpio", "cpio"),
    _archive(
        "application/x-archive", "a deb ar", "application/vnd.debian.binary-package", "application/x-debian-package"
    ),
    _archive("application/x-xar", "xar pkg"),
    _archive("application/x-lzip", "lz"),
    _archive("application/x-lzma", "lzma"),
    _archive("application/x-compress", "z"),
    # What macOS puts beside the files of an archive: a file's attributes ("._a.txt"), and how a folder is shown.
    Format("application/applefile", "", "archive"),
    Format("application/x-ds-store", "", "archive"),
    # Zips by their directory, which programs run.
    _archive("application/java-archive", "jar war ear aar", "application/x-java-archive", "application/x-jar"),
    _archive("application/vnd.android.package-archive", "apk aab xapk"),
)
