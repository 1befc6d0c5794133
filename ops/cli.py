"""The `airlock` command."""

from importlib import import_module

import click

COMMANDS = (
    "dev",
    "upload",
    "status",
    "token",
    "provision",
    "permissions",
    "canary",
    "reconcile",
    "backfill",
    "rescan",
    "dead-letters",
    "release",
)


class _Commands(click.Group):
    """Each command is in the module of its name, which is loaded when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click names it
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click names it
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"ops.{cmd_name.replace('-', '_')}").command
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="s3-airlock")
def main() -> None:
    """Direct-to-S3 uploads that can be trusted."""
