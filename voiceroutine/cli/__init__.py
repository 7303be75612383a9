"""The command line. Only here is anything printed, and only here does the program end."""

from __future__ import annotations

import atexit
import gc
import io
import keyword
import os
import sys
from importlib import import_module
from typing import Any, NoReturn

import click

from voiceroutine import __version__
from voiceroutine.cli.signals import ending_as_by_ctrl_c

# What Python ends with when its last words find no room.
_NOT_PRINTED = 120

COMMANDS = {
    "play": "Play a routine aloud.",
    "control": "Control a session that plays, from elsewhere.",
    "export": "Make an audio file of a routine.",
    "show": "Show the timetable of a routine.",
    "check": "Find every problem of routine files.",
    "new": "Write a routine to begin with.",
    "import": "Make a routine of a table or of another program's file.",
    "schema": "Print the JSON Schema of routine files.",
    "routines": "List the routines that there are.",
    "exercises": "List the exercises, or show one in full.",
    "voices": "List engines and voices, and which one is used.",
    "history": "Show the log of your sessions, if you keep one.",
    "config": "Show your settings, or change one.",
    "cache": "Show or clear the sentences that are kept.",
    "doctor": "Say what works on this machine, and what is missing.",
    "about": "Version, licenses, and when to see a professional.",
}


class _Commands(click.Group):
    """Imports a command when it is used; the list of commands needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        command: click.Command = import_module(f"voiceroutine.cli.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from voiceroutine.errors import did_you_mean

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], COMMANDS) or f"there are: {', '.join(COMMANDS)}"
            ctx.fail(f'There is no command "{args[0]}"; {hint}')
        return super().resolve_command(ctx, args)


@click.command(
    cls=_Commands,
    context_settings={"auto_envvar_prefix": "VOICEROUTINE", "help_option_names": ["-h", "--help"]},
    epilog='Start with "voiceroutine play". Stop at once if anything hurts.',
)
@click.version_option(__version__, prog_name="voiceroutine")
@click.option("--debug", is_flag=True, help="Show the traceback of an error too.")
@click.pass_context
def group(context: click.Context, debug: bool) -> None:
    """A calm voice guides you through a stretch routine, aloud or in an audio file."""
    from voiceroutine.cli.defaults import user_defaults

    context.obj["debug"] = debug
    context.default_map = user_defaults()


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and end the program with the exit status of what happened."""
    # A start makes many objects that stay; looking through them again and again is a tenth of it.
    gc.set_threshold(50_000, 20, 50)
    arguments = sys.argv[1:] if arguments is None else arguments
    _end(run(arguments))


def _end(status: int) -> NoReturn:
    """End the program without freeing its objects one by one, which takes longer than a short command."""
    atexit._run_exitfuncs()  # noqa: SLF001  there is no public way
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream:
                stream.flush()
        except OSError:
            status = status or _NOT_PRINTED
    os._exit(status)


def run(arguments: list[str]) -> int:
    """Run the command line and return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # Pydantic looks for plug-ins in every installed package before the first model: a tenth of a start, for nothing.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # NumPy's linear algebra starts a thread for each core, which look for work in vain.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    state: dict[str, bool] = {}
    try:
        with ending_as_by_ctrl_c():
            status: Any = group.main(arguments, prog_name="voiceroutine", standalone_mode=False, obj=state)
    except SystemExit:
        # Click ends so when whoever reads a pipe has read enough, as `head` does.
        return 0
    except (KeyboardInterrupt, click.Abort):
        return 130
    except Exception as error:  # noqa: BLE001  told in words, and with --debug in full
        if state.get("debug"):
            import traceback

            traceback.print_exc()
        return tell_error(error)
    return status if isinstance(status, int) else 0


def tell_error(error: Exception) -> int:
    """Print what went wrong, and return the exit status."""
    from voiceroutine.errors import VoiceroutineError

    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, VoiceroutineError):
        click.echo(str(error), err=True)
        return error.exit_status
    if isinstance(error, OSError):
        click.echo(f"voiceroutine could not go on: {error.strerror or error}.", err=True)
        return 1
    click.echo(
        f"voiceroutine failed in a way it should not: {type(error).__name__}: {error}\n"
        'Please report it, with what "voiceroutine --debug …" prints.',
        err=True,
    )
    return 1
