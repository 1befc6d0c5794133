"""Names of owners and tenants."""

from typing import Annotated

from pydantic import StringConstraints

# Printable and short: a name becomes metadata of an S3 object and part of keys.
Name = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
