"""Notebooks of Jupyter (https://nbformat.readthedocs.io): what their outputs run in the page that shows them."""

from collections.abc import Callable, Iterator

import orjson

from workers.inspection.parsers.port import Output

NOTEBOOK = "application/x-ipynb+json"
# Outputs have their contents by media types, as a text or as a list of its lines.
_PAGES = frozenset({"text/html", "image/svg+xml"})
_SCRIPTS = frozenset({"application/javascript", "text/javascript"})


def examine_notebook(text: str, output: Output, page: Callable[[str], None]) -> None:
    """Report outputs that run scripts; `page` examines a page of HTML. What is no JSON has none."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return
    for media_type, content in _outputs(document):
        if media_type in _SCRIPTS:
            output.finding("script", "An output of the notebook runs a script.")
        else:
            page(content)


def _outputs(document: object) -> Iterator[tuple[str, str]]:
    waiting = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            for media_type in (_PAGES | _SCRIPTS).intersection(part):
                yield media_type, _joined(part[media_type])
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _joined(content: object) -> str:
    lines = content if isinstance(content, list) else [content]
    return "".join(each for each in lines if isinstance(each, str))
