"""`airlock token`: makes an API token, and the lines for the service's tokens file."""

import hashlib
import json
import secrets
from typing import Any

import click


@click.command("token")
@click.argument("owner")
@click.option("--profile", "profiles", multiple=True, help="A profile that it may use; may be repeated. [default: all]")
@click.option("--tenant", help="The tenant whose quotas count its uploads, beside the owner's. [default: none]")
@click.option(
    "--scope", "scopes", multiple=True, help="A scope that it has, for profiles that ask for it; may be repeated."
)
@click.option(
    "--sessions-for",
    multiple=True,
    metavar="PATTERN",
    help="Owners for whom it may create upload sessions; may be repeated.",
)
def command(
    owner: str, profiles: tuple[str, ...], tenant: str | None, scopes: tuple[str, ...], sessions_for: tuple[str, ...]
) -> None:
    """Make an API token for OWNER.

    The token is printed once, on standard error. The lines for the tokens file are printed on standard output; they
    hold only its hash: airlock token alice >> tokens.toml
    """
    token = f"airlock_{secrets.token_urlsafe(32)}"
    entry: dict[str, Any] = {"owner": owner, "sha256": hashlib.sha256(token.encode()).hexdigest()}
    entry |= {"profiles": profiles or ("*",)}
    entry |= {"tenant": tenant, "scopes": scopes, "sessions_for": sessions_for}
    click.echo("[[tokens]]")
    for name, value in entry.items():
        if value:
            # JSON strings, and arrays of them, are valid TOML.
            click.echo(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    click.echo(f"{token}\nGive this token to {owner}. It is not shown again.", err=True)
