from collections import Counter

from airlock.content.format import OCTET_STREAM
from airlock.content.formats import EXAMINERS, FORMATS, SCRIPTS, format_of
from airlock.content.media_types import EXTENSIONS, SYNONYMS, canonical, is_media_type


def test_an_extension_and_a_synonym_stand_for_one_format_each() -> None:
    extensions = Counter(name for each in FORMATS.values() for name in each.extensions)
    synonyms = Counter(name for each in FORMATS.values() for name in each.synonyms)
    assert [name for name, count in (extensions + synonyms).items() if count > 1] == []
    assert not set(synonyms) & set(FORMATS)
    assert len(EXTENSIONS) == len(extensions)
    assert all(canonical(name) == SYNONYMS[name] for name in synonyms)


def test_every_format_is_a_media_type_with_an_examiner_or_none() -> None:
    for name, each in FORMATS.items():
        assert is_media_type(name)
        assert name == each.media_type == canonical(name)
        assert each.examiner is None or each.examiner in EXAMINERS


def test_a_type_that_is_not_known_has_no_family_and_no_examiner() -> None:
    assert format_of("a/b") == format_of("a/b")
    assert (format_of("a/b").family, format_of("a/b").examiner) == ("", None)
    assert format_of(OCTET_STREAM).examiner is None
    assert {format_of(name).examiner for name in SCRIPTS} == {"text"}
