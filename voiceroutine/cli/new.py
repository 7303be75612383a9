"""`voiceroutine new`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@click.command("new")
@click.argument("name")
@click.option("--from", "origin", metavar="ROUTINE", help="Copy a routine (a name or a file), with its comments.")
@click.option(
    "-e", "--exercise", "exercises", metavar="ID", multiple=True,
    help='Make it of this exercise of the library; again for the next, or several with commas.',
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="PATH",
    help="Where to write it: a .toml file, or a folder. Default: NAME.toml, here.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def command(name: str, origin: str | None, exercises: Sequence[str], output: Path | None, force: bool) -> None:
    """Write a routine to begin with, called NAME.

    It has a comment on everything in it. Its first line names a schema, by which an editor completes and checks it.
    """
    from voiceroutine.drafts import check_free, write_draft

    if origin is not None and exercises:
        raise click.UsageError("--from and --exercise exclude each other; take one of them.")
    path = _path(name, output)
    if not force:
        check_free(path)
    write_draft(path, _text(name, origin, [id_.strip() for listed in exercises for id_ in listed.split(",")]))
    for line in _told(path):
        click.echo(line)


def _path(name: str, output: Path | None) -> Path:
    from voiceroutine.drafts import file_name

    try:
        named = file_name(name)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    if output is None or output.is_dir():
        return (output or Path()) / named
    if output.suffix != ".toml":
        raise click.UsageError(f"{output} is neither a folder nor ends in .toml.")
    return output


def _text(name: str, origin: str | None, exercises: Sequence[str]) -> str:
    from voiceroutine.drafts import composed, copied, starter, title_of
    from voiceroutine.library import default_library

    library = default_library()
    if origin is not None:
        return copied(library.find(origin), title_of(name))
    if exercises:
        return composed(exercises, title_of(name), library.exercises())
    return starter(title_of(name))


def _told(path: Path) -> Iterator[str]:
    import shlex

    from voiceroutine.drafts import SCHEMA_NAME

    quoted = shlex.quote(str(path))
    yield f"{path} is written. Open it in any text editor; its comments say what to change."
    yield f"(An editor with a TOML extension completes and checks it by {SCHEMA_NAME}, beside it.)"
    yield ""
    yield f"voiceroutine check {quoted}    every mistake, with its line and a hint"
    yield f"voiceroutine play {quoted}     aloud"
