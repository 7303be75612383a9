"""`voiceroutine import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from voiceroutine.importing import Kind


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="ROUTINE.toml", help="Write it there.")
@click.option("--from", "kind", type=click.Choice(["csv", "w2a"]), help="What FILE is, if its name doesn't say so.")
@click.option("--title", help="What the routine is called. Default: the file's name.")
@click.option("--force", is_flag=True, help="Replace a file that is already there.")
def command(file: Path, output: Path | None, kind: Kind | None, title: str | None, force: bool) -> None:
    """Make a routine of another program's FILE and print it. What has no counterpart is told.

    \b
    A table (.csv, .tsv) has a line for each exercise, and names its columns
    in the first line:
      name         what it is called; needed
      seconds      how long: 30, 1:30, 1m30s
      side         none, each, left, right or alternate
      sets, reps   whole numbers
      rest         between sets, or after the exercise if it has one set
      instruction  how to do it
      id           an exercise of the library

    A name that is in the library ("voiceroutine exercises") gets its words,
    and whatever the line leaves empty. Then the seconds are one rep, unless
    there are reps. A line on the left and one on the right that follow each
    other become one exercise. A line called "rest" is a pause.

    \b
    A workout of w2a ("workout to audio") is YAML (.yaml, .yml).
    """  # noqa: D301  click's mark for a paragraph that isn't to be wrapped
    from voiceroutine.importing import read_foreign, routine_text
    from voiceroutine.library import default_library

    known = kind or _kind_of(file)
    if output is not None and output.exists() and not force:
        raise click.UsageError(f"{output} is already there; choose another name, or replace it with --force.")
    library = default_library().exercises()
    imported = read_foreign(file, known, library)
    text = routine_text(imported if title is None else imported.titled(title), library, str(file))
    for note in imported.notes:
        click.echo(str(note), err=True)
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)
        count = len(imported.data["steps"])
        steps = "1 step" if count == 1 else f"{count:,} steps"
        click.echo(f'{output}: {steps}. Hear it with: voiceroutine play "{output}"')


def _kind_of(file: Path) -> Kind:
    from voiceroutine.importing import KINDS

    kind = KINDS.get(file.suffix.lower())
    if kind is None:
        raise click.UsageError(f"{file}: its name doesn't say what it is; add --from csv or --from w2a.")
    return kind


def _write(output: Path, text: str) -> None:
    from voiceroutine.beside import written_beside
    from voiceroutine.errors import VoiceroutineError

    try:
        with written_beside(output) as part:
            part.write_text(text, encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise VoiceroutineError(f"{output} can't be written: {reason}. Choose another place with -o.") from None
