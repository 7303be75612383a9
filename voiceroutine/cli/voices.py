"""`voiceroutine voices`."""

from __future__ import annotations

import click


@click.command("voices")
@click.option("--all", "is_all", is_flag=True, help="List the voices of every language.")
@click.option("--language", default="en", metavar="TAG", help="List the voices of one language.", show_default=True)
def command(is_all: bool, language: str) -> None:
    """List engines and voices, which one is used and why."""
    from voiceroutine.voices import BUILT_IN, choose_engine, load_engine

    choice = choose_engine("auto")
    click.echo(f"Used: {choice.engine.name} ({choice.why})\n")
    for name in BUILT_IN:
        engine = load_engine(name)
        probe = engine.probe()
        click.echo(f"{name}: {probe.reason}" if probe.ok else f"{name}: doesn't work: {probe.reason}")
        if not probe.ok:
            continue
        for voice in engine.voices():
            if is_all or voice.language.split("-")[0] == language.split("-", maxsplit=1)[0]:
                click.echo(f"  {name}:{voice.name:<22} {voice.language}")
