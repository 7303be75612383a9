"""`voiceroutine schema`."""

from __future__ import annotations

import click


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of routine files, for editors."""
    from voiceroutine.schema import schema_of_package

    click.echo(schema_of_package(), nl=False)
