"""The rules about types: what a profile's patterns allow, which names run, and which types nothing examines. Pure."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from airlock.content.file_names import extension, stored_names
from airlock.content.format import OCTET_STREAM, OLE, ZIP
from airlock.content.formats import EXAMINERS, FORMATS, SCRIPTS, format_of
from airlock.content.media_types import EXTENSIONS, matches

# What opens with a program that runs it: each has to be named by itself, as no wildcard means to let it in.
_ACTIVE = frozenset(
    {
        *SCRIPTS,
        *(each.media_type for each in FORMATS.values() if each.family in ("program", "markup")),
        "application/java-archive",
        "application/vnd.android.package-archive",
        "application/x-iso9660-image",
        "application/x-archive",
        "application/x-xar",
        "application/x-ole-storage",
        OCTET_STREAM,
    }
) - {"application/xml"}

# Extensions that systems, browsers and servers run, open with a program that obeys them, or take as their own settings.
# Those of `formats` with an active type are added. Sources: "Blocked attachments in Outlook" and "File types that are
# considered to be dangerous" (Microsoft), Chromium's download_file_types.asciipb, what Apache and IIS map by default.
_RUN = frozenset(
    """
    accda accdc accde accdr accdu action ade adp afploc ahk air apk app appcontent-ms appimage appinstaller
    applescript application appref-ms appx appxbundle asx au3 axd bas bgi btapp cfc cfm cfml cgi chi cht class
    cnt command contact crx csh deb deskthemepack devicemetadata-ms diagcab diagcfg diagpkg dmgpart dos dqy drv
    fcgi fileloc flatpak flatpakref flatpakrepo fon ftploc fxp gadget glk grp hex hlp hpj hta htaccess htc
    htpasswd htt imgpart inetloc inf ins inx ipa iqy isp isu its jar jnlp job jse kext ksh lib library-ms lnk
    mad maf mag mailloc mam maq mar mas mau mav maw mcf mda mdb mde mdt mdw mdz mht mhtml mmc mobileconfig mof
    mpkg msc msh msh1 msh1xml msh2 msh2xml mshxml msi msix msixbundle msp mst msu odc ops oqy osax osd out oxt
    pbk pcd phar pif pkg plg ppa ppam prefpane prf prg printerexport ps1xml psc1 psc2 psdm1 pst ptm pyc pyo pyz
    pyzw qlgenerator rdp rem rgs rpm rqy rs1 run scf scpt scptd scr sct search-ms searchconnector-ms
    settingcontent-ms shb shs shtm sldm slk snap soap stm svgz sys tcl terminal theme themepack tool udl url
    user.ini vb vbe vbp vbs vhd vhdx vncloc vsmacros vsw wax wcx webloc webpnp website wll wmx workflow ws wsb
    wsc wsf wsh wsp wvx xbap xht xhtm xhtml xla xlam xll xlm xlw xnk xpi xrm-ms
    """.split()  # noqa: SIM905 # a table of words
)
# Names that a server takes for its settings, a system for those of a folder, and a shell for what it runs at its start;
# each with the type of scripts that a profile has to name so that they are taken.
_NAMES = {
    **dict.fromkeys((".htaccess", ".htpasswd", ".user.ini", "php.ini", "crossdomain.xml", "clientaccesspolicy.xml"),
                    "text/x-php"),
    "web.config": "text/x-asp",
    **dict.fromkeys(("desktop.ini", "autorun.inf"), "text/x-msdos-batch"),
    **dict.fromkeys((".bashrc", ".profile", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".zshrc",
                     ".zshenv", ".zprofile", ".zlogin", ".zlogout", ".cshrc", ".tcshrc", ".login", ".logout", ".kshrc",
                     ".xinitrc", ".xsession", ".xsessionrc", ".xprofile", ".rhosts", ".shosts", ".forward"),
                    "text/x-shellscript"),
}  # fmt: skip
# Windows opens a file with the class that its extension names ("File name extensions and CLSIDs", Microsoft).
_CLASS = re.compile(r"\.\{[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\}\Z")

_RENDERED = frozenset({"text/html", "application/xhtml+xml", "image/svg+xml"})


class Running(NamedTuple):
    """What a name has that is run or obeyed: the extension with its dot or the whole name, and the type that it stands
    for, `application/octet-stream` where no profile can name it.
    """

    shown: str
    media_type: str


def what_runs(filename: str) -> Running | None:
    """What in a name is run or obeyed by systems, browsers or servers; None for other names."""
    return next((found for name in stored_names(filename) if (found := _runs(name.lower()))), None)


def _runs(name: str) -> Running | None:
    if name in _NAMES:
        return Running(name, _NAMES[name])
    if found := _CLASS.search(name):
        return Running(found[0], OCTET_STREAM)
    end = extension(name)
    named = EXTENSIONS.get(end, "")
    if end in _RUN or named in _ACTIVE or named in _RENDERED:
        return Running(f".{end}", named or OCTET_STREAM)
    return None


def allowed_by(patterns: Iterable[str], media_type: str) -> bool:
    """Whether a profile's patterns allow a type inside an object: an active one has to be named without a wildcard."""
    return any(
        matches(pattern, media_type) and ("*" not in pattern or media_type not in _ACTIVE) for pattern in patterns
    )


def unexaminable(types: Sequence[str], checks: Sequence[str], unexamined: Sequence[str]) -> list[str]:
    """A sentence for each of a profile's content types that no object could satisfy, as nothing would examine it."""
    problems = []
    for pattern in types:
        if any(pattern == other or matches(other, pattern) for other in unexamined):
            continue
        examiners = _examiners_of(pattern)
        if not examiners:
            problems.append(f"content_types has {pattern}, which no check examines; add it to unexamined to take it so")
        elif examiners.isdisjoint(checks):
            named = " or ".join(name for name in EXAMINERS if name in examiners)
            problems.append(f"content_types has {pattern}, but checks does not have {named}, which examines it")
    return problems


@lru_cache(maxsize=1024)  # the profiles of a file name the same types again and again
def _examiners_of(pattern: str) -> frozenset[str]:
    """The checks that examine the formats that a pattern takes."""
    return frozenset(each.examiner for each in FORMATS.values() if each.examiner and matches(pattern, each.media_type))


def family_of(media_type: str) -> str:
    """The family of a type, within which it may be corrected; sound and video are one, as containers carry both."""
    family = format_of(media_type).family
    return "video" if family == "audio" else family


# What systems declare for formats of another family: spreadsheet programs open tables, HTML and XML by these names.
_OPENED_BY = {
    "application/vnd.ms-excel": frozenset(
        {"text/csv", "text/tab-separated-values", "text/plain", "text/html", "application/xml"}
    ),
    "application/msword": frozenset({"text/html", "text/plain", "application/xml"}),
}
_CORRECTED = frozenset({"picture", "document", "text", "markup", "archive", "video", "message"})


def may_be_called(claimed: str, true: str) -> bool:
    """Whether systems and people call a file of the type `true` a `claimed` one: the same family, or a known habit."""
    if claimed == true or true in _OPENED_BY.get(claimed, ()):
        return True
    if claimed == ZIP and family_of(true) == "document":
        return true not in (OLE, "application/rtf") and not true.startswith("application/ms")
    family = family_of(claimed)
    return family == family_of(true) and family in _CORRECTED
