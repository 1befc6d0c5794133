"""What more than one room makes its cases of: a form as it is, one with a field rewritten, and a file to carry."""

from collections.abc import Callable

from tests.enforcement.form import Form


def honest(form: Form) -> Form:
    return form


def rewritten(form: Form, name: str, change: Callable[[str], str]) -> Form:
    return form.altered(name, change(form.fields[name]))


def script(size: int) -> bytes:
    return b"<script>" + b"x" * (size - 8)
