"""What the properties draw from: profiles without limits, and intents as `intent.check` lets them pass."""

from hypothesis import strategies as st

from airlock import intent
from airlock.intent import Intent
from airlock.profile import MAX_POST_BYTES, Profile

ANYTHING = Profile(
    name="anything", content_types=("*/*",), min_bytes=0, max_bytes=MAX_POST_BYTES, metadata=("reference", "note")
)

# What a name or a value may hold: no controls, no line separators, no lone surrogates.
PLAIN = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])
# A file name has no bidirectional controls either.
_BIDIRECTIONAL = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_NAME = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters=_BIDIRECTIONAL)

owners = st.text(PLAIN, min_size=1, max_size=20)
filenames = st.one_of(
    st.text(_NAME, min_size=1, max_size=40),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=255),
    st.sampled_from(["../../etc/passwd", "C:\\boot.ini", "/etc/shadow", "100%25.txt", "${filename}", "\u200eIMG.png"]),
).filter(lambda name: name.strip() != "")
media_types = st.from_regex(r"[a-z0-9!#&^_.+-]{1,30}/[a-z0-9!#&^_.+-]{1,30}", fullmatch=True)


@st.composite
def intents(draw: st.DrawFn) -> Intent:
    """An intent that passes every rule, and whose metadata S3 takes."""
    return intent.check(
        ANYTHING,
        owner=draw(owners),
        filename=draw(filenames),
        content_type=draw(media_types),
        size=draw(st.none() | st.integers(0, MAX_POST_BYTES)),
        sha256=draw(st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex)),
        metadata=draw(st.dictionaries(st.sampled_from(ANYTHING.metadata), st.text(PLAIN, max_size=20))),
    )
