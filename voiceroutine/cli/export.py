"""`voiceroutine export`."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voiceroutine.cli.options import listening_options, producer, wishes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from voiceroutine.exporting.batch import Job, Made, Order
    from voiceroutine.wishes import Wishes

RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
CAPTIONS = ("srt", "vtt", "lrc")
CHAPTERS = ("json", "vtt", "cue", "labels")


class Several(click.ParamType[tuple[str, ...]]):
    """Words of a list, separated by commas."""

    name = "list"

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the words, each once."""
        found = tuple(dict.fromkeys(word.strip().lower() for word in value.split(",") if word.strip()))
        unknown = next((word for word in found if word not in self.words), None)
        if unknown is not None or not found:
            self.fail(f'"{unknown or value}" is none of {", ".join(self.words)}', param, ctx)
        return found


@click.command("export")
@click.argument("routines", nargs=-1, required=True, metavar="ROUTINE...")
@listening_options
@click.option(
    "-o", "--output", metavar="FILE",
    help="The audio file; its suffix says the format. Or a folder, for several. Replaced if it is there.",
)  # fmt: skip
@click.option("--to", "folder", metavar="FOLDER", help="The folder of the files; made if it isn't there.")
@click.option(
    "-f", "--format", "formats", multiple=True, type=Several(("wav", "flac", "mp3", "ogg", "opus", "m4a", "m4b")),
    metavar="FORMAT", help="wav, flac, mp3, ogg, opus, m4a, m4b; several with commas, or repeated. Default: mp3.",
)  # fmt: skip
@click.option("--bitrate", type=click.IntRange(min=1), metavar="KBPS", help="Default: what speech and bells need.")
@click.option("--stereo", is_flag=True, help="Two channels, for devices that play one on the left only.")
@click.option("--samplerate", type=click.Choice([str(rate) for rate in RATES_HZ]), metavar="HZ", help="Default: 48000.")
@click.option("--captions", type=Several(CAPTIONS), metavar="LIST", help="Captions beside it: srt, vtt, lrc.")
@click.option("--chapters", type=Several(CHAPTERS), metavar="LIST", help="Chapters beside it: json, vtt, cue, labels.")
@click.option("--cover", is_flag=True, help="The cover beside it, as a PNG picture.")
@click.option("--all", "everything", is_flag=True, help="All captions, all chapters and the cover beside it.")
@click.option("--split", is_flag=True, help="A folder with a file for each exercise, and a playlist.")
@click.option(
    "--loudness", type=click.FloatRange(-40.0, -9.0), metavar="LUFS",
    help="How loud a narrated routine is as a whole. Default: -19, with --stereo -16.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Make again what is up to date.")
@click.option("--json", "as_json", is_flag=True, help="Print a report for programs.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing when it works.")
def command(
    routines: tuple[str, ...],
    *,
    output: str | None,
    folder: str | None,
    formats: tuple[tuple[str, ...], ...],
    bitrate: int | None,
    stereo: bool,
    samplerate: str | None,
    captions: tuple[str, ...] | None,
    chapters: tuple[str, ...] | None,
    cover: bool,
    everything: bool,
    split: bool,
    loudness: float | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    **flags: Any,
) -> int:
    """Make audio files of routines: names, files, folders, or patterns such as "*.toml".

    What hasn't changed since it was made isn't made again. One that fails doesn't stop the others.
    """
    from voiceroutine.exporting import Wanted
    from voiceroutine.exporting.batch import jobs_of, routines_meant

    meant = routines_meant(routines)
    kinds = _kinds(captions, chapters, cover=cover, everything=everything)
    if split and kinds:
        raise click.UsageError("--split makes files of exercises; captions, chapters and a cover are of the whole.")
    suffixes = tuple(dict.fromkeys(f".{word}" for words in formats for word in words))
    if split and len(suffixes) > 1:
        raise click.UsageError("--split makes files in one format at a time.")
    file, place = _places(output, folder, count=len(meant), is_split=split)
    _check_suffix(file, suffixes)
    wanted = Wanted(
        samplerate_hz=int(samplerate or 48_000), is_stereo=stereo, bitrate_kbps=bitrate, loudness_lufs=loudness
    )
    wishes = wishes_of(**flags)
    jobs = jobs_of(
        meant, output=file, folder=place, formats=suffixes, kinds=kinds, is_split=split, wanted=wanted,
        chosen=wishes.chosen(),
    )  # fmt: skip
    asked = {**flags, "bitrate": bitrate, "stereo": stereo, "samplerate": samplerate, "loudness": loudness}
    order = _order(wanted, asked, wishes, is_forced=force)
    return _export(jobs, order, as_json=as_json, is_quiet=quiet)


def _kinds(
    captions: tuple[str, ...] | None, chapters: tuple[str, ...] | None, *, cover: bool, everything: bool
) -> tuple[str, ...]:
    """Return which files are wanted beside the audio."""
    captions, chapters = (CAPTIONS, CHAPTERS) if everything else (captions or (), chapters or ())
    covers = ["cover"] if cover or everything else []
    return (*(f"captions-{kind}" for kind in captions), *(f"chapters-{kind}" for kind in chapters), *covers)


def _check_suffix(file: Path | None, suffixes: tuple[str, ...]) -> None:
    if file is not None and suffixes and _is_named_like_audio(file) and file.suffix.lower() not in suffixes:
        wished = " and ".join(suffix[1:] for suffix in suffixes)
        raise click.UsageError(f"-o {file} says {file.suffix[1:].lower()} and -f says {wished}; leave one of them out.")


def _places(output: str | None, folder: str | None, *, count: int, is_split: bool) -> tuple[Path | None, Path | None]:
    """Return the file of the only routine, or the folder of its parts, or else the folder of all."""
    if output is None:
        return None, Path(folder) if folder is not None else None
    if folder is not None:
        raise click.UsageError("-o and --to both say where the files go; give one of them.")
    path = Path(output)
    is_parts = is_split and count == 1
    if output.endswith(("/", "\\")) or (path.is_dir() and not _is_named_like_audio(path) and not is_parts):
        return None, path
    if count > 1:
        raise click.UsageError(f"-o {output} is one file, and there are {count} routines; name a folder with --to.")
    return path, None


def _is_named_like_audio(path: Path) -> bool:
    from voiceroutine.exporting import SUFFIXES

    return path.suffix.lower() in SUFFIXES


def _order(wanted: Any, asked: dict[str, Any], wishes: Wishes, *, is_forced: bool) -> Order:
    import platformdirs

    from voiceroutine.clipcache import cache_limit_bytes
    from voiceroutine.exporting.batch import Order
    from voiceroutine.settings import settings_file

    records = platformdirs.user_cache_path("voiceroutine", appauthor=False) / "exports"
    return Order(
        wanted=wanted,
        wishes=asked,
        produce=producer(wishes, no_limits=asked["no_limits"]),
        language=asked["language"],
        settings_file=settings_file(),
        records=records if cache_limit_bytes() else None,
        is_forced=is_forced,
    )


def _export(jobs: Sequence[Job], order: Order, *, as_json: bool, is_quiet: bool) -> int:
    from voiceroutine.exporting.batch import Crew, exit_status_of

    ended: list[Made] = []
    told: set[str] = set()
    with _progress(len(jobs), is_shown=not (is_quiet or as_json) and sys.stderr.isatty()) as (progress, echo):
        for made in Crew(order, progress).make(jobs):
            ended.append(made)
            for message in [one for one in made.messages if one not in told]:
                told.add(message)
                echo(message, True)
            if not is_quiet and not as_json:
                for line in _lines(made):
                    echo(line, False)
    if as_json:
        click.echo(json.dumps(_report(ended), ensure_ascii=False, indent=1))
    _tell_failures(ended)
    return exit_status_of(ended)


def _lines(made: Made) -> Iterator[str]:
    """Yield a line for each audio file that there is now, and for what is beside it."""
    from voiceroutine.units import clock_text

    yield from made.changes
    for target, record in zip(made.job.targets, made.records, strict=False):
        facts = [clock_text(record.duration_ms), *filter(None, [record.loudness.text()])]
        if target.is_split:
            facts.insert(0, f"{len(record.outputs) - 1} files")
        fresh = [] if target in made.fresh else ["up to date"]
        yield f"{target.path}: {', '.join([*facts, *fresh])}"
        if target.beside:
            yield f"  and {', '.join(one.path.name for one in target.beside)}"


def _report(ended: Sequence[Made]) -> dict[str, Any]:
    files = [
        {
            "routine": made.job.routine,
            "path": str(target.path),
            "status": "made" if target in made.fresh else "up to date",
            "duration_ms": record.duration_ms,
            "lufs": _rounded(record.loudness.lufs),
            "true_peak_db": _rounded(record.loudness.true_peak_db),
            "files": [path for path, _, _ in record.outputs],
        }
        for made in ended
        for target, record in zip(made.job.targets, made.records, strict=False)
    ]
    failures = [{"routine": made.job.routine, "message": str(made.error)} for made in ended if made.error]
    return {"format": 1, "files": files, "failures": failures}


def _rounded(db: float | None) -> float | None:
    return None if db is None else round(db, 2)


def _tell_failures(ended: Sequence[Made]) -> None:
    from voiceroutine.cli import tell_error

    failed = [made for made in ended if made.error]
    if not failed:
        return
    if len(ended) > 1:
        click.echo(f"{len(failed)} of the {len(ended)} routines could not be exported:", err=True)
    for made in failed:
        assert made.error is not None
        tell_error(made.error)


@contextmanager
def _progress(count: int, *, is_shown: bool) -> Iterator[tuple[Callable[[float], None], Callable[[str, bool], None]]]:
    """Yield what is told how much is done, and what prints a line: on the standard output, or as an error."""
    if not is_shown:
        yield lambda _: None, lambda line, is_error: click.echo(line, err=is_error)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Exporting" if count == 1 else f"Exporting {count} routines", total=1.0)

        def echo(line: str, is_error: bool) -> None:
            if is_error or sys.stdout.isatty():
                bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
            else:
                click.echo(line)

        yield lambda done: bar.update(task, completed=done), echo
