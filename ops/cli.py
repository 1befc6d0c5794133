"""The `airlock` command."""

import click

from ops import provision


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="s3-airlock")
def main() -> None:
    """Direct-to-S3 uploads that can be trusted."""


main.add_command(provision.command)
