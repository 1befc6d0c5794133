"""The addresses that a piece of CSS loads, by the tokens of a CSS parser (https://www.w3.org/TR/css-syntax-3/).

A string is an address where nothing says that it is only text: `image-set(var(--a))` loads the string that `--a` is.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

SCRIPT = "javascript:"

# Functions whose strings are addresses, too: all entries of a set count.
_WITH_ADDRESSES = frozenset(
    {"url", "src", "image-set", "-webkit-image-set", "image", "-webkit-image", "cross-fade", "-webkit-cross-fade",
     "alphaimageloader"}  # the last is a filter of Internet Explorer
)  # fmt: skip
_WITH_TEXT = frozenset({"format", "tech", "type", "local", "lang"})
_BLOCKS = frozenset({"{} block", "() block"})  # strings in brackets are what selectors compare with
_OF_TEXT = frozenset(
    {"content", "quotes", "font", "font-family", "font-feature-settings", "font-variation-settings",
     "font-language-override", "grid", "grid-template", "grid-template-areas", "hyphenate-character", "list-style",
     "list-style-type", "string-set", "syntax", "text-emphasis", "text-emphasis-style", "text-overflow"}
)  # fmt: skip
# Properties that attach a script to an element. Word writes `behavior: url(#default#VML)`.
_BINDS = frozenset({"behavior", "-ms-behavior", "-moz-binding"})
_HARMLESS_BINDING = "#default#"


# CSS without any of these loads nothing, and is not parsed, which takes a microsecond for a few bytes.
# A reference to an element of the same document does not count: drawings have as many as shapes.
_INSIDE = re.compile(r"url\(#[\w.:-]*\)|url\('#[\w.:-]*'\)|url\(\"#[\w.:-]*\"\)")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# Internet Explorer drops comments within a name.
_EXPRESSION = re.compile(r"expression\s*\(", re.IGNORECASE)
_MAY_LOAD = re.compile(r"\\|url|src|image|import|expression|behavior|binding|//|script:|data:", re.IGNORECASE)


class _Tokens(NamedTuple):
    """Tokens that stand beside each other; `strings` says what strings are: addresses or not, or by the property."""

    tokens: list[Any]
    strings: bool | None


class _Position:
    """Where a token stands: in which rule (`@import`) and in which property's declaration; "" where in none."""

    def __init__(self) -> None:
        self.rule = self.property = self._name = ""

    def advance(self, token: Any) -> None:
        """Go on to `token`."""
        if token.type == "at-keyword":
            self.rule, self.property = str(token.lower_value), ""
        elif token.type == "{} block" or (token.type == "literal" and token.value == ";"):
            self.rule = self.property = self._name = ""
        elif token.type == "literal" and token.value == ":":
            self.property = self.property or self._name
        elif token.type != "whitespace":
            self._name = str(token.lower_value) if token.type == "ident" else ""

    @property
    def has_addresses(self) -> bool:
        """Whether a string here is an address."""
        return self.property not in _OF_TEXT


def css_addresses(css: str) -> Iterator[str]:
    """Each address that `css` loads, at any depth. One that runs a script in an old browser is `SCRIPT`."""
    if "/*" in css and _EXPRESSION.search(_COMMENT.sub("", css)):
        return iter((SCRIPT,))
    return _addresses(css) if _MAY_LOAD.search(_INSIDE.sub(" ", css)) else iter(())


def _addresses(css: str) -> Iterator[str]:
    import tinycss2  # type: ignore[import-untyped]  # it has no types

    waiting = [_Tokens(tinycss2.parse_component_value_list(css, skip_comments=True), None)]
    while waiting:
        beside = waiting.pop()
        position = _Position()
        for token in beside.tokens:
            position.advance(token)
            if position.rule == "namespace":
                continue
            strings = position.has_addresses if beside.strings is None else beside.strings
            if token.type == "url" or (token.type == "string" and strings):
                yield _loaded(token.value, position.property)
            elif token.type == "function":
                if token.lower_name == "expression":  # of Internet Explorer
                    yield SCRIPT
                waiting.append(_Tokens(token.arguments, _strings_within(token.lower_name, strings)))
            elif token.type in _BLOCKS:
                waiting.append(_Tokens(token.content, None))


def _strings_within(function: str, outside: bool) -> bool:
    return function in _WITH_ADDRESSES or (outside and function not in _WITH_TEXT)


def _loaded(address: str, name: str) -> str:
    binds = name.lstrip("_") in _BINDS and not address.lower().startswith(_HARMLESS_BINDING)
    return SCRIPT if binds else address
