"""Prints text that comes from elsewhere so that it cannot control the terminal."""


def printable(text: str) -> str:
    """The text with control characters replaced: names come from uploads, and from members of archives."""
    return "".join(char if char.isprintable() or char == "\n" else "�" for char in text)
