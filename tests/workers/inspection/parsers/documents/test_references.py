import pytest

from workers.inspection.parsers.documents.references import Place, place_of


@pytest.mark.parametrize(
    ("reference", "place"),
    [
        ("https://example.org/a", Place.WEB),
        ("HTTP%3A//example.org/a", Place.WEB),
        (" ht\ntp://example.org/a", Place.WEB),
        ("www.example.com/a.exe", Place.WEB),
        ("mailto:a@example.org", Place.NOWHERE),
        ("facetime-audio:a@example.org", Place.NOWHERE),
        ("whatsapp://send?text=a", Place.NOWHERE),
        ("zoommtg://example.org/join?confno=1", Place.HANDLER),
        ("skype:a?call", Place.HANDLER),
        ("cid:image001.png@01", Place.NOWHERE),
        ("ms-word:ofe|u|https://example.org/a", Place.HANDLER),
        ("ms-officecmd:{a:b:c}", Place.HANDLER),
        ("search-ms:query=a&crumb=location:\\\\evil", Place.HANDLER),
        ("mhtml:http://example.org/a!x-usc:http://example.org/a", Place.HANDLER),
        ("\\\\example.org\\a", Place.SHARE),
        ("//example.org/a", Place.SHARE),
        ("file://example.org/a", Place.SHARE),
        ("file:////example.org/a", Place.SHARE),
        ("file:\\\\\\\\example.org\\a", Place.SHARE),
        ("\\\\?\\UNC\\evil\\a", Place.SHARE),
        ("file:///C:/a", Place.LOCAL),
        ("file:////C:/a", Place.LOCAL),
        ("file://localhost/a", Place.LOCAL),
        ("file:///home/a", Place.LOCAL),
        ("C:\\a", Place.LOCAL),
        ("../a.dotm", Place.LOCAL),
        ("Macintosh%20HD:Users:a:b.dotx", Place.LOCAL),
        ("C:\\Windows\\System32\\cmd.exe /c calc", Place.PROGRAM),
        ("file:///C:/a.lnk", Place.PROGRAM),
        ("a.js. ", Place.PROGRAM),
        ("#a", Place.NOWHERE),
        ("", Place.NOWHERE),
    ],
)
def test_where_a_reference_leads(reference: str, place: Place) -> None:
    assert place_of(reference) == place
