"""Document types that XML names by the address of a DTD. Pure.

Browsers fetch none, and programs have copies of those of their own formats; a server's parser may fetch what it is
told. So the addresses are allowed, not forbidden: those of whoever publishes a format.
"""

import re

_W3C = "www.w3.org"
_PUBLISHERS = frozenset(
    {
        _W3C,
        # Systems and their settings
        "www.apple.com", "www.freedesktop.org", "fonts.freedesktop.org", "www.gnome.org", "glade.gnome.org",
        # Java
        "java.sun.com", "xmlns.jcp.org", "xmlns.oracle.com", "docs.oracle.com", "www.bea.com", "www.jboss.org",
        "www.hibernate.org", "hibernate.org", "hibernate.sourceforge.net", "mybatis.org", "ibatis.apache.org",
        "www.ibatis.com", "struts.apache.org", "jakarta.apache.org", "tiles.apache.org", "logging.apache.org",
        "cocoon.apache.org", "forrest.apache.org", "xml.apache.org", "lucene.apache.org", "www.springframework.org",
        "www.opensymphony.com", "checkstyle.org", "www.checkstyle.org", "checkstyle.sourceforge.net",
        "www.puppycrawl.com", "testng.org", "www.netbeans.org", "www.eclipse.org", "jetty.eclipse.org",
        "jetty.mortbay.org", "www.jetbrains.org", "findbugs.sourceforge.net", "pmd.sourceforge.net",
        # Texts, books, notes and scholarly articles
        "www.oasis-open.org", "docbook.org", "www.docbook.org", "docs.oasis-open.org", "www.tei-c.org",
        "www.musicxml.org", "dtd.nlm.nih.gov", "jats.nlm.nih.gov", "www.ncbi.nlm.nih.gov", "eutils.ncbi.nlm.nih.gov",
        "www.daisy.org", "www.idpf.org", "openebook.org", "www.niso.org", "dtd.gpo.gov",
        # Trade, feeds, telephones
        "xml.cxml.org", "my.netscape.com", "www.rssboard.org", "www.wapforum.org", "www.openmobilealliance.org",
        "www.xfa.org", "www.adobe.com", "us-vo.org", "www.us-vo.org",
    }
)  # fmt: skip
_ADDRESS = re.compile(r"https?://([a-z0-9.-]+)/([\w./-]*)", re.IGNORECASE)
_BESIDE = re.compile(r"(?:urn:fontconfig:)?(?:\.\.?/)*[\w-][\w./-]*\.(?:dtd|mod|ent)", re.IGNORECASE)
_KNOWN = frozenset({"about:legacy-compat", "file://localhost/System/Library/DTDs/PropertyList.dtd"})
_UPWARDS = re.compile(r"(?:^|/)\.\.?(?:/|$)")


def is_known(system: str, *, as_page: bool) -> bool:
    """Whether the DTD at the address `system` is one that may be named: for a page or an SVG only one of the W3C.

    Any other XML may also name a file beside it.
    """
    if system in _KNOWN:
        return True
    address = _ADDRESS.fullmatch(system.strip())
    if address:
        host = address[1].lower()
        return not _UPWARDS.search(address[2]) and (host == _W3C or (not as_page and host in _PUBLISHERS))
    return not as_page and _BESIDE.fullmatch(system) is not None
