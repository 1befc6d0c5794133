"""The addresses that a piece of CSS loads, by the tokens of a CSS parser (https://www.w3.org/TR/css-syntax-3/)."""

from collections.abc import Iterator
from typing import Any, NamedTuple

# Functions whose strings are addresses, too: all entries of a set count.
_WITH_ADDRESSES = frozenset(
    {"url", "src", "image-set", "-webkit-image-set", "image", "-webkit-image", "cross-fade", "-webkit-cross-fade"}
)
_BLOCKS = frozenset({"{} block", "[] block", "() block"})


class _Tokens(NamedTuple):
    """Tokens that stand beside each other; `strings` says that a string among them is an address."""

    tokens: list[Any]
    strings: bool


def css_addresses(css: str) -> Iterator[str]:
    """Each address that `css` loads, at any depth. One that runs a script in an old browser is `javascript:`."""
    import tinycss2

    waiting = [_Tokens(tinycss2.parse_component_value_list(css, skip_comments=True), False)]
    while waiting:
        beside = waiting.pop()
        rule = ""
        for token in beside.tokens:
            rule = _rule(token, rule)
            if rule == "namespace":
                continue
            if token.type == "url" or (token.type == "string" and (beside.strings or rule == "import")):
                yield token.value
            elif token.type == "function":
                if token.lower_name == "expression":  # of Internet Explorer
                    yield "javascript:"
                waiting.append(_Tokens(token.arguments, token.lower_name in _WITH_ADDRESSES))
            elif token.type in _BLOCKS:
                waiting.append(_Tokens(token.content, False))


def _rule(token: Any, before: str) -> str:
    """The name of the rule (`@import`) in which the token stands; "" after its end."""
    if token.type == "at-keyword":
        return str(token.lower_value)
    ends = token.type == "{} block" or (token.type == "literal" and token.value == ";")
    return "" if ends else before
