"""`voiceroutine export`."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voiceroutine.cli.options import listening_options, produced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@click.command("export")
@click.argument("routine")
@listening_options
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE",
    help="The audio file: .wav, .flac, .mp3, .ogg, .opus, .m4a or .m4b. Default: the routine's name, .mp3. "
    "Replaced if it is there.",
)  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="Print nothing when it works.")
def command(routine: str, output: Path | None, quiet: bool, **flags: Any) -> None:
    """Make an audio file of ROUTINE (a name or a file)."""
    from voiceroutine.exporting import Wanted, check_path, export_mix
    from voiceroutine.exporting.tags import tags_of
    from voiceroutine.units import clock_text

    path = output or Path(Path(routine).name.removesuffix(".toml") + ".mp3")
    check_path(path)
    production = produced(routine, **flags)
    timeline = production.timeline()
    mix = production.mix(timeline.cues)
    with _progress(is_shown=not quiet and sys.stderr.isatty()) as progress:
        wanted = Wanted(tags=tags_of(production.routine, timeline))
        export_mix(mix, timeline.duration_ms, path, progress, wanted)
    if not quiet:
        click.echo(f"{path}: {clock_text(timeline.duration_ms)}")


@contextmanager
def _progress(*, is_shown: bool) -> Iterator[Callable[[float], None]]:
    if not is_shown:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Exporting", total=1.0)
        yield lambda done: bar.update(task, completed=done)
