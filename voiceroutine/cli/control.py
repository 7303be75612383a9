"""`voiceroutine control`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from voiceroutine.status import Status

DONE = {
    "pause": "Paused.",
    "resume": "Going on.",
    "next": "On to the next exercise.",
    "previous": "Back to the start of this exercise, or to the one before.",
    "repeat": "This side again.",
    "forward": "5 seconds forward.",
    "back": "5 seconds back.",
    "more": "10 seconds more.",
    "voice-up": "The voice is 3 dB louder.",
    "voice-down": "The voice is 3 dB softer.",
    "chimes-up": "Chimes are 3 dB louder.",
    "chimes-down": "Chimes are 3 dB softer.",
    "quit": "The session ends.",
}


class _Listed(click.Command):
    """Lists what a session obeys, below the options."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        from voiceroutine.remote import COMMANDS, STATUS

        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items(), (STATUS, "Say what goes on.")])


@click.command("control", cls=_Listed)
@click.argument("word", default="status", metavar="[COMMAND]")
@click.option("--session", type=int, metavar="PID", help="The session's process; else the session that began last.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer for programs.")
def command(word: str, session: int | None, as_json: bool) -> None:
    """Control a session that plays, from another terminal, a shortcut or a script.

    Without a command, say what goes on. Only the user who plays can do it.
    """
    from voiceroutine.remote import COMMANDS, STATUS, ask, unknown_command
    from voiceroutine.status import Status, in_words

    if word != STATUS and word not in COMMANDS:
        raise click.UsageError(unknown_command(word))
    answer = ask(word, pid=session)
    if as_json:
        click.echo(json.dumps(answer["status"] if word == STATUS else answer))
        return
    status = Status(**_known(answer["status"], Status))
    click.echo(in_words(status) if word == STATUS else _done(word, status))


def _known(written: dict[str, Any], kind: type[Status]) -> dict[str, Any]:
    """Leave out what a session of a newer version may tell."""
    return {name: value for name, value in written.items() if name in kind.__slots__}


def _done(word: str, before: Status) -> str:
    from voiceroutine.status import STANDSTILLS

    if word == "toggle":
        return DONE["resume"] if before.state in STANDSTILLS else DONE["pause"]
    if word == "mute":
        return "The voice is back." if before.is_muted else "The voice is silent; bells stay."
    return DONE[word]
