"""A timeline as files: rendered once, written beside, renamed when everything is whole.

Nothing heavy is imported before there is something to render: a file that is up to date is to be recognized at once.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from voiceroutine.beside import check_place, remove_left_behind, told, written_beside
from voiceroutine.errors import ExportError
from voiceroutine.exporting.formats import FORMATS, check_shape
from voiceroutine.units import SAMPLERATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from voiceroutine.exporting.companions import Companion
    from voiceroutine.exporting.measured import Loudness
    from voiceroutine.exporting.rendering import AudioFile
    from voiceroutine.mix import Mix
    from voiceroutine.production import Production
    from voiceroutine.sinks.tags import Tags
    from voiceroutine.timeline import Timeline

    Progress = Callable[[float], None]

SUFFIXES = tuple(FORMATS)
PLAYLIST = ".m3u8"
# What a narrated routine has without anything done to it, by how its clips are levelled.
USUAL_LUFS = {1: -19.0, 2: -16.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a file is to be, where that isn't the default.

    Attributes:
        tags: what players show; None is the file's name.
        samplerate_hz: frames a second.
        is_stereo: whether there are two channels, which are the same.
        bitrate_kbps: None is what the format needs for speech and bells.
        span_ms: from which instant to which; None is all.
        loudness_lufs: how loud a narrated routine is to be as a whole; None is as loud as when it is played.
    """

    tags: Tags | None = None
    samplerate_hz: int = SAMPLERATE_HZ
    is_stereo: bool = False
    bitrate_kbps: int | None = None
    span_ms: tuple[int, int] | None = None
    loudness_lufs: float | None = None

    @property
    def channels(self) -> int:
        """1 or 2."""
        return 1 + self.is_stereo

    @property
    def gain_db(self) -> float:
        """How much louder the file is than what is played."""
        return 0.0 if self.loudness_lufs is None else self.loudness_lufs - USUAL_LUFS[self.channels]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is to be made of a routine in one format.

    Attributes:
        path: the audio file; of a split routine the folder of its files, which are in the format of `suffix`.
        suffix: the format.
        beside: files about the audio.
        is_split: whether each exercise becomes a file of its own, with a playlist.
    """

    path: Path
    suffix: str
    beside: tuple[Companion, ...] = ()
    is_split: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file as it was written.

    Attributes:
        path: where it is.
        size_bytes: how large it is.
        digest: of its content.
    """

    path: Path
    size_bytes: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was made.

    Attributes:
        duration_ms: how long the routine lasts.
        loudness: of the whole.
        files: of each target, in their order: the audio first, then what is beside it.
    """

    duration_ms: int
    loudness: Loudness
    files: tuple[tuple[Written, ...], ...]


def export_files(
    production: Production,
    targets: Sequence[Target],
    wanted: Wanted = Wanted(),
    progress: Progress = lambda _: None,
) -> Report:
    """Make every file that is wanted of a routine, out of one rendering.

    Older files are replaced when all new ones are whole: those beside the audio first. Whatever goes wrong, nothing
    half-made is left; what an earlier, broken run left in the same folders is removed.

    Args:
        production: the routine with its voice.
        targets: what to make.
        wanted: how it is to be; its tags are those of the routine, if it has none.
        progress: told how much is done, from 0 to 1.

    Raises:
        ExportError: a format is unknown or can't be as wanted, or a file can't be written.
        RoutineError: the routine is longer than the limits allow.
        VoiceError: the voice can't be used.
    """
    for target in targets:
        check_target(target, wanted)
    timeline = production.timeline()
    tags = wanted.tags or _tags(production, timeline)
    mix = production.mix(timeline.cues)
    plans = [_Plan(target, timeline, tags, wanted, production) for target in targets]
    folders = dict.fromkeys(path.parent for plan in plans for path in plan.paths)
    with ExitStack() as stack:
        for folder in folders:
            stack.enter_context(_folder_made(folder))
            remove_left_behind(folder)
        return _made(mix, timeline, plans, wanted, progress)


@contextmanager
def _folder_made(folder: Path) -> Iterator[None]:
    """Make a folder that isn't there; whatever goes wrong then, it is removed unless there is something in it."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    with told(folder, "--to"):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with suppress(OSError):
            for one in missing:
                one.rmdir()
        raise


def export_mix(
    mix: Mix, duration_ms: int, path: Path, progress: Progress = lambda _: None, wanted: Wanted = Wanted()
) -> Loudness:
    """Write a mix to a file whose suffix says the format, and return how loud it is.

    An existing file is replaced when the new one is whole; whatever goes wrong, nothing half-made is left.

    Args:
        mix: what sounds.
        duration_ms: how long all of it lasts.
        path: the file.
        progress: told how much is done, from 0 to 1.
        wanted: how the file is to be.

    Raises:
        ExportError: the format is unknown or can't be as wanted, or the file can't be written.
    """
    from voiceroutine.exporting.rendering import render

    check_path(path)
    with told(path, "-o"), written_beside(path) as part:
        file = _audio_file(path, path.suffix.lower(), wanted.tags or _nameless(path), wanted, duration_ms)
        return render(mix, duration_ms, [replace(file, part=part)], gain_db=wanted.gain_db, progress=progress)


def check_path(path: Path) -> None:
    """Refuse a file that can't be made, before any work is done.

    Raises:
        ExportError: the suffix is unknown or needs a package that isn't here, the folder isn't there, or the path is a
            folder.
    """
    check_place(path)
    if not path.suffix:
        raise ExportError(f"{path}: the name says no audio format; add one of {', '.join(SUFFIXES)}.")
    if path.suffix.lower() not in SUFFIXES:
        raise ExportError(f'{path}: unknown audio format "{path.suffix}"; use one of {", ".join(SUFFIXES)}.')
    check_shape(path.suffix.lower(), SAMPLERATE_HZ, None)


def check_target(target: Target, wanted: Wanted) -> None:
    """Refuse a target that can't be made, before any work is done; a folder that isn't there will be made.

    Raises:
        ExportError: a file's place, or the format with what is wanted of it, is impossible.
    """
    if target.suffix not in FORMATS:
        raise ExportError(f'{target.path}: unknown audio format "{target.suffix}"; use one of {", ".join(SUFFIXES)}.')
    check_shape(target.suffix, wanted.samplerate_hz, wanted.bitrate_kbps)
    folders = (target.path if target.is_split else target.path.parent, *(one.path.parent for one in target.beside))
    for folder in folders:
        if folder.exists() and not folder.is_dir():
            raise ExportError(f"{folder} is a file, not a folder; name another one.")
    for path in () if target.is_split else (target.path, *(one.path for one in target.beside)):
        if path.parent.is_dir():
            check_place(path)


class _Plan:
    """The files of one target: what is written into each, and what it is called."""

    def __init__(self, target: Target, timeline: Timeline, tags: Tags, wanted: Wanted, production: Production) -> None:
        from voiceroutine.exporting.companions import Writer

        self._texts: dict[Path, bytes] = {}
        if target.is_split:
            self.audio = [*_split(target, timeline, tags, wanted)]
            self._texts[target.path / f"{target.path.name}{PLAYLIST}"] = _playlist(target, timeline, tags)
        else:
            self.audio = [_audio_file(target.path, target.suffix, tags, wanted, timeline.duration_ms)]
        writer = Writer(timeline, tags, production.narrator.words, target.path.name)
        self._texts |= {one.path: writer.content(one.kind) for one in target.beside}

    @property
    def paths(self) -> Iterator[Path]:
        """Every file: audio first."""
        yield from (file.path for file in self.audio)
        yield from self._texts

    def begun(self, stack: ExitStack) -> list[tuple[Path, Path]]:
        """Begin every file, and write those beside the audio; return their names, and where they are until then.

        What was begun first gets its name last.
        """
        parts = [(path, _begun(path, stack)) for path in self.paths]
        self.audio = [replace(file, part=part) for file, (_, part) in zip(self.audio, parts, strict=False)]
        for path, part in parts[len(self.audio) :]:
            with told(path, "-o"):
                part.write_bytes(self._texts[path])
        return parts


def _made(mix: Mix, timeline: Timeline, plans: Sequence[_Plan], wanted: Wanted, progress: Progress) -> Report:
    from voiceroutine.exporting.rendering import render

    with ExitStack() as stack:
        parts = [plan.begun(stack) for plan in plans]
        audio = [file for plan in plans for file in plan.audio]
        loudness = render(mix, timeline.duration_ms, audio, gain_db=wanted.gain_db, progress=progress)
        files = tuple(tuple(written(path, part) for path, part in some) for some in parts)
    return Report(duration_ms=timeline.duration_ms, loudness=loudness, files=files)


def _begun(path: Path, stack: ExitStack) -> Path:
    # Twice, since how much room there is must be seen before the unfinished file is removed.
    stack.enter_context(told(path, "-o"))
    return stack.enter_context(written_beside(path))


def written(path: Path, part: Path) -> Written:
    """Return how a file is written that is somewhere else until it gets its name."""
    with told(path, "-o"), part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Written(path=path, size_bytes=part.stat().st_size, digest=digest)


def _audio_file(path: Path, suffix: str, tags: Tags, wanted: Wanted, duration_ms: int) -> AudioFile:
    from voiceroutine.exporting.rendering import AudioFile

    start_ms, end_ms = wanted.span_ms or (0, duration_ms)
    return AudioFile(
        path=path,
        part=path,
        suffix=suffix,
        tags=tags,
        start_ms=start_ms,
        end_ms=end_ms,
        samplerate_hz=wanted.samplerate_hz,
        channels=wanted.channels,
        bitrate_kbps=wanted.bitrate_kbps,
    )


def _split(target: Target, timeline: Timeline, tags: Tags, wanted: Wanted) -> Iterator[AudioFile]:
    from voiceroutine.exporting.lyrics import verses_of
    from voiceroutine.exporting.playlist import parts_to_export

    parts = parts_to_export(timeline, target.suffix)
    for part, verse in zip(parts, verses_of(timeline, tags.language), strict=True):
        own = replace(
            tags,
            title=part.title,
            track=part.number,
            tracks=part.count,
            lyrics=verse,
            chapters=(),
            blocks=(),
        )
        within = replace(wanted, span_ms=(part.start_ms, part.end_ms))
        yield _audio_file(target.path / part.file_name, target.suffix, own, within, timeline.duration_ms)


def _playlist(target: Target, timeline: Timeline, tags: Tags) -> bytes:
    from voiceroutine.exporting.playlist import m3u8_text, parts_to_export

    return m3u8_text(parts_to_export(timeline, target.suffix), title=tags.title, artist=tags.artist).encode()


def _nameless(path: Path) -> Tags:
    from voiceroutine.sinks.tags import Tags

    return Tags(title=path.stem)


def _tags(production: Production, timeline: Timeline) -> Tags:
    """Return what players show of a routine: its own words, and its cover."""
    from voiceroutine.exporting.tags import tags_of

    return tags_of(production.routine, production.intervals, timeline, _cover_png(production, timeline))


def _cover_png(production: Production, timeline: Timeline) -> bytes:
    from voiceroutine.pictures.cover import cover_png
    from voiceroutine.pictures.own_cover import own_cover, own_cover_png

    routine = production.routine
    own = own_cover(Path(routine.sounds.folder)) if routine.sounds.folder else None
    return own_cover_png(own) if own else cover_png(timeline, routine.voice.language)
