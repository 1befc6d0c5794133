"""All the cases, by group."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from tests.enforcement.hostile.case import Case
from tests.enforcement.hostile.fields import every_field, every_mixture, every_other_field
from tests.enforcement.hostile.sessions import every_session
from tests.enforcement.hostile.shapes import every_method, every_shape
from tests.enforcement.hostile.signing import every_policy, every_scope, every_signature
from tests.enforcement.hostile.terms import every_place, every_size, every_time

GROUPS: Mapping[str, Callable[[], Iterator[Case]]] = MappingProxyType(
    {
        "fields": every_field,
        "more fields": every_other_field,
        "sizes": every_size,
        "times": every_time,
        "places": every_place,
        "scopes": every_scope,
        "policies": every_policy,
        "signatures": every_signature,
        "sessions": every_session,
        "mixtures": every_mixture,
        "shapes": every_shape,
        "methods": every_method,
    }
)


def every_case() -> Iterator[Case]:
    for group in GROUPS.values():
        yield from group()
