"""`airlock token`: a new API token, and what the service's token file must hold for it."""

import hashlib
import json
import secrets
from typing import Any

import click


@click.command("token")
@click.argument("owner")
@click.option("--profile", "profiles", multiple=True, help="A profile that it may use; may be repeated. [default: all]")
@click.option("--tenant", help="Who is charged for its uploads beside the owner. [default: nobody]")
@click.option("--scope", "scopes", multiple=True, help="A scope that it carries for profiles; may be repeated.")
@click.option(
    "--sessions-for", multiple=True, metavar="PATTERN", help="Owners whose upload sessions it mints; may be repeated."
)
def command(
    owner: str, profiles: tuple[str, ...], tenant: str | None, scopes: tuple[str, ...], sessions_for: tuple[str, ...]
) -> None:
    """Make an API token for OWNER.

    The token is printed once, on standard error; only its hash goes into the tokens file, whose lines are printed on
    standard output: airlock token alice >> tokens.toml
    """
    token = f"airlock_{secrets.token_urlsafe(32)}"
    entry: dict[str, Any] = {"owner": owner, "sha256": hashlib.sha256(token.encode()).hexdigest()}
    entry |= {"profiles": profiles or ("*",)}
    entry |= {"tenant": tenant, "scopes": scopes, "sessions_for": sessions_for}
    click.echo("[[tokens]]")
    for name, value in entry.items():
        if value:
            # JSON's strings and arrays of strings are TOML's as well.
            click.echo(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    click.echo(f"{token}\nGive it to {owner}; it is not shown again.", err=True)
