"""The `airlock` command: a group that loads the module of a command only when it is used."""

import os
from importlib import import_module

import click

from aws import variables

COMMANDS = {
    "dev": "ops.dev.command",
    "upload": "ops.upload",
    "status": "ops.status",
    "token": "ops.token",
    "provision": "ops.provision.command",
    "permissions": "ops.permissions",
    "canary": "ops.canary",
    "reconcile": "ops.reconcile.command",
    "backfill": "ops.backfill.command",
    "rescan": "ops.rescan.command",
    "dead-letters": "ops.dead_letters.command",
    "release": "ops.release",
}
"""Each command's module, in the order of the help."""


class _Commands(click.Group):
    """Loads the module of a command when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click passes it by name
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click passes it by name
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name]).command
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="s3-airlock")
def main() -> None:
    """Direct-to-S3 uploads that can be trusted."""
    for line in variables.unknown(os.environ):
        click.echo(f"Warning: {line}", err=True)
