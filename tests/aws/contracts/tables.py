"""The table of uploads that a contract is tested on."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """`dynamodb` is a client: aiobotocore's, or the fake of the worker's tests."""

    dynamodb: Any
    name: str
