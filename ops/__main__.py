"""`python -m ops` is the `airlock` command."""

from ops.cli import main

main(prog_name="airlock")
