"""A presigned form, part by part, as an attacker holds it: every part can be changed, doubled, moved or left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple, Self

BOUNDARY = "a-boundary-that-no-body-holds"
MULTIPART = MappingProxyType({"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})


class Part(NamedTuple):
    """One field. `filename` is None for text."""

    name: str
    value: bytes
    filename: str | None = None

    def encode(self) -> bytes:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{self.name}"'
        if self.filename is not None:
            head += f'; filename="{self.filename}"\r\nContent-Type: application/octet-stream'
        return head.encode() + b"\r\n\r\n" + self.value + b"\r\n"


@dataclass(frozen=True)
class Form:
    """What is sent: the parts in their order, or `raw` in their place."""

    url: str
    parts: tuple[Part, ...]
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=lambda: MULTIPART)
    raw: bytes | None = None

    @classmethod
    def of(cls, upload: Any, body: bytes) -> Self:
        """The form that the service's answer asks for, with the file last."""
        fields = [Part(name, value.encode()) for name, value in upload["fields"].items()]
        return cls(upload["url"], (*fields, Part("file", body, "file")))

    def encode(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"".join(part.encode() for part in self.parts) + f"--{BOUNDARY}--\r\n".encode()

    @property
    def fields(self) -> dict[str, str]:
        return {part.name: part.value.decode() for part in self.parts if part.filename is None}

    @property
    def key(self) -> str:
        return self.fields["key"]

    @property
    def body(self) -> bytes:
        return next(part.value for part in self.parts if part.filename is not None)

    def altered(self, name: str, value: str | bytes) -> Self:
        """With another value in a field."""
        raw = value.encode() if isinstance(value, str) else value
        assert raw != self._part(name).value
        return self._of([part._replace(value=raw) if part.name == name else part for part in self.parts])

    def without(self, *names: str) -> Self:
        return self._of([part for part in self.parts if part.name not in names])

    def added(self, name: str, value: str) -> Self:
        """With one more field, which stands before the file."""
        return self._of([*self.parts[:-1], Part(name, value.encode()), self.parts[-1]])

    def preceded(self, name: str, value: str) -> Self:
        """With another value for a field, before the true one."""
        return self._of([Part(name, value.encode()), *self.parts])

    def followed(self, name: str, value: str) -> Self:
        """With another value for a field, right behind the true one."""
        place = self.parts.index(self._part(name)) + 1
        return self._of([*self.parts[:place], Part(name, value.encode()), *self.parts[place:]])

    def taking(self, other: Self, *names: str) -> Self:
        """With those fields of another form."""
        return self._of([other._part(part.name) if part.name in names else part for part in self.parts])

    def carrying(self, body: bytes) -> Self:
        return self._of([part._replace(value=body) if part.filename is not None else part for part in self.parts])

    def _part(self, name: str) -> Part:
        return next(part for part in self.parts if part.name == name)

    def _of(self, parts: list[Part]) -> Self:
        return replace(self, parts=tuple(parts))
