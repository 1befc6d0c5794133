"""The `airlock` command."""

import click

from ops import dev, provision, status, token, upload


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="s3-airlock")
def main() -> None:
    """Direct-to-S3 uploads that can be trusted."""


for module in (dev, upload, status, token, provision):
    main.add_command(module.command)
