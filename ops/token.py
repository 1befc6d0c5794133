"""`airlock token`: a new API token, and what the service's token file must hold for it."""

import hashlib
import json
import secrets

import click


@click.command("token")
@click.argument("owner")
@click.option("--profile", "profiles", multiple=True, help="A profile that it may use; may be repeated. [default: all]")
def command(owner: str, profiles: tuple[str, ...]) -> None:
    """Make an API token for OWNER.

    The token is printed once, on standard error; only its hash goes into the tokens file, whose lines are printed on
    standard output: airlock token alice >> tokens.toml
    """
    token = f"airlock_{secrets.token_urlsafe(32)}"
    # JSON's strings and arrays of strings are TOML's as well.
    click.echo("[[tokens]]")
    click.echo(f"owner = {json.dumps(owner, ensure_ascii=False)}")
    click.echo(f'sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"')
    click.echo(f"profiles = {json.dumps(list(profiles) or ['*'])}")
    click.echo(f"{token}\nGive it to {owner}; it is not shown again.", err=True)
