"""Every format of a file, read back by others than those who wrote it: samples, chapters, tags, cover, bytes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import av
import mutagen
import numpy as np
import pytest
import soundfile
from listening import SAMPLERATE_HZ, onsets
from mutagen.flac import Picture
from mutagen.id3 import ID3
from mutagen.mp4 import MP4

from voiceroutine.errors import ExportError
from voiceroutine.exporting import Wanted, export_mix
from voiceroutine.exporting.formats import FORMATS, check_shape, open_encoder
from voiceroutine.exporting.tags import Shape, Tags, tags_of
from voiceroutine.production import Production, load
from voiceroutine.sinks import stretches
from voiceroutine.sinks.id3 import id3_bytes
from voiceroutine.sinks.languages import iso_639_2
from voiceroutine.timeline import Chapter, Timeline

if TYPE_CHECKING:
    from pathlib import Path

    from listening import Samples

ROUTINE = """
title = "Hälsa"
author = "Ada"
cues = { safety = false }
voice = { engine = "silent" }
[[steps]]
name = "Fold"
hold = "9s"
prepare = "2s"
[[steps]]
title = "Down"
repeat = 2
steps = [
  { name = "Roll", hold = "8s", prepare = "3s" },
  { name = "Nacke ✓", hold = "8s", prepare = "3s" },
]
"""
SUFFIXES = tuple(FORMATS)
LOSSY = (".mp3", ".ogg", ".opus", ".m4a", ".m4b")
LONGEST_PACKET_FRAMES = 1_152


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Production:
    routine = tmp_path_factory.mktemp("routine") / "short.toml"
    routine.write_text(ROUTINE, encoding="utf-8")
    return Production(load(str(routine)))


@pytest.fixture(scope="module")
def timeline(production: Production) -> Timeline:
    return production.timeline()


@pytest.fixture(scope="module")
def tags(production: Production, timeline: Timeline) -> Tags:
    return tags_of(production.routine, production.intervals, timeline, cover_png=png(64))


@pytest.fixture(scope="module")
def files(
    production: Production, timeline: Timeline, tags: Tags, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    return {suffix: exported(production, timeline, folder / f"short{suffix}", Wanted(tags=tags)) for suffix in SUFFIXES}


def png(side_px: int) -> bytes:
    from io import BytesIO

    from PIL import Image

    out = BytesIO()
    Image.new("RGB", (side_px, side_px), (40, 90, 60)).save(out, "PNG")
    return out.getvalue()


def exported(production: Production, timeline: Timeline, path: Path, wanted: Wanted) -> Path:
    export_mix(production.mix(timeline.cues), timeline.duration_ms, path, wanted=wanted)
    return path


def decoded(file: Path) -> tuple[Samples, int]:
    """Return all samples, shape (frames, channels), as a player that knows of priming hears them."""
    if file.suffix in (".m4a", ".m4b"):
        with av.open(str(file)) as container:
            parts = [frame.to_ndarray() for frame in container.decode(audio=0)]
            return np.concatenate(parts, axis=1).T.astype(np.float32), container.streams.audio[0].rate
    samples, samplerate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    return samples, samplerate_hz


def louder_db(file: Path, other: Path) -> float:
    """Return how much louder a file is than another one with the same sound."""
    (after, _), (before, _) = decoded(file), decoded(other)
    return 20 * float(np.log10((after[: len(before)] * before).sum() / np.square(before).sum()))


def starts_of(timeline: Timeline, samplerate_hz: int = SAMPLERATE_HZ) -> list[int]:
    return [cue.at_ms * samplerate_hz // 1000 for cue in timeline.cues if cue.why == "start"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_lasts_as_long_as_the_timeline_and_chimes_when_it_says(
    suffix: str, files: dict[str, Path], timeline: Timeline
) -> None:
    samples, samplerate_hz = decoded(files[suffix])
    longer_frames = len(samples) - timeline.duration_ms * 48
    assert samplerate_hz == SAMPLERATE_HZ
    assert 0 <= longer_frames < (1024 if suffix.startswith(".m4") else 1)
    heard = onsets(samples[:, 0], "bell")
    assert len(heard) == len(starts_of(timeline)) == 5
    allowed_frames = 96 if suffix in LOSSY else 0
    assert max(abs(one - other) for one, other in zip(heard, starts_of(timeline), strict=True)) <= allowed_frames


@pytest.mark.parametrize("suffix", LOSSY)
def test_what_is_lost_is_not_heard(suffix: str, files: dict[str, Path]) -> None:
    before, _ = decoded(files[".wav"])
    after, _ = decoded(files[suffix])
    noise = after[: len(before)] - before
    assert 10 * np.log10(float(np.square(before).sum() / np.square(noise).sum())) > 18


@pytest.mark.parametrize("suffix", LOSSY)
def test_every_format_is_as_loud_as_wav(suffix: str, files: dict[str, Path]) -> None:
    assert abs(louder_db(files[suffix], files[".wav"])) < 0.2


@pytest.mark.parametrize("kbps", [128, 192, 224, 256, 320])
def test_mp3_is_as_loud_at_every_bit_rate(
    kbps: int, production: Production, timeline: Timeline, files: dict[str, Path], tmp_path: Path
) -> None:
    file = exported(production, timeline, tmp_path / "short.mp3", Wanted(bitrate_kbps=kbps))
    assert abs(louder_db(file, files[".wav"])) < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("shape", [(24_000, 2), (48_000, 2), (16_000, 1)])
def test_channels_and_sample_rates(
    suffix: str, shape: tuple[int, int], production: Production, timeline: Timeline, tmp_path: Path
) -> None:
    samplerate_hz, channels = shape
    wanted = Wanted(samplerate_hz=samplerate_hz, is_stereo=channels == 2)
    samples, heard_hz = decoded(exported(production, timeline, tmp_path / f"a{suffix}", wanted))
    assert heard_hz == samplerate_hz
    assert 0 <= len(samples) - timeline.duration_ms * heard_hz // 1000 < 1_024
    assert samples.shape[1] == channels
    first = starts_of(timeline, heard_hz)[0]
    assert np.abs(samples[first - heard_hz // 5 : first - heard_hz // 50]).max() < 0.01
    assert np.abs(samples[first : first + heard_hz // 5]).max() > 0.03
    assert np.abs(samples[:, 0] - samples[:, -1]).max() < 0.02


def test_44_100_hz_in_mp3_has_padded_frames_and_the_right_length(
    production: Production, timeline: Timeline, tmp_path: Path
) -> None:
    file = exported(production, timeline, tmp_path / "a.mp3", Wanted(samplerate_hz=44_100, bitrate_kbps=128))
    samples, samplerate_hz = decoded(file)
    assert (len(samples), samplerate_hz) == ((timeline.duration_ms * 44_100 + 500) // 1000, 44_100)


def test_a_stretch_of_the_mix_begins_and_ends_where_it_is_asked_to(
    production: Production, timeline: Timeline, files: dict[str, Path], tmp_path: Path
) -> None:
    file = exported(production, timeline, tmp_path / "a.wav", Wanted(span_ms=(9_000, 21_500)))
    whole, _ = decoded(files[".wav"])
    assert np.array_equal(decoded(file)[0], whole[9_000 * 48 : 21_500 * 48])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_routine_gives_the_same_bytes(
    suffix: str, production: Production, tags: Tags, files: dict[str, Path], tmp_path: Path
) -> None:
    again = exported(production, production.timeline(), tmp_path / f"again{suffix}", Wanted(tags=tags))
    assert again.read_bytes() == files[suffix].read_bytes()


@pytest.mark.parametrize("suffix", [".mp3", ".m4a"])
def test_encoding_only_what_sounds_is_heard_as_encoding_all(
    suffix: str, production: Production, files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeline = production.timeline()
    monkeypatch.setattr(stretches, "SHORTEST_SILENCE", 1 << 30)
    whole, _ = decoded(exported(production, timeline, tmp_path / f"a{suffix}", Wanted()))
    sounding, _ = decoded(files[suffix])
    original, _ = decoded(files[".wav"])
    assert len(whole) == len(sounding)
    noise = [np.square(one[: len(original)] - original).sum() for one in (whole, sounding)]
    assert abs(10 * np.log10(noise[0] / noise[1])) < 1.5
    assert not sounding[: starts_of(timeline)[0] - 9_600].any()


def test_id3_has_every_tag(files: dict[str, Path], tags: Tags) -> None:
    for suffix in (".mp3", ".wav"):
        found = mutagen.File(files[suffix]).tags
        assert found["TIT2"].text == found["TALB"].text == ["Hälsa"]
        assert found["TPE1"].text == ["Ada"]
        assert (found["TRCK"].text, found["TLAN"].text) == (["1/1"], ["eng"])
        assert found["COMM::eng"].text == [tags.comment]
        assert found["USLT::eng"].text == tags.lyrics
        assert found["APIC:"].data == tags.cover_png
        assert found["TSSE"].text == [tags.encoder]


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".opus"])
def test_vorbis_comments_have_every_tag_and_chapter(suffix: str, files: dict[str, Path], tags: Tags) -> None:
    found = mutagen.File(files[suffix])
    for name, text in (
        ("title", "Hälsa"), ("artist", "Ada"), ("album", "Hälsa"), ("tracknumber", "1"), ("language", "en"),
        ("comment", tags.comment), ("lyrics", tags.lyrics), ("encoder", tags.encoder),
        ("chapter001", "00:00:00.000"), ("chapter001name", "Introduction"), ("chapter004name", "Nacke ✓, round 1"),
    ):  # fmt: skip
        assert found[name] == [text]
    picture = found.pictures[0] if suffix == ".flac" else _picture(found["metadata_block_picture"][0])
    assert (picture.data, picture.mime, picture.type, picture.width) == (tags.cover_png, "image/png", 3, 64)


def _picture(text: str) -> Picture:
    import base64

    return Picture(base64.b64decode(text))


def test_mp4_has_every_tag_and_chapter(files: dict[str, Path], tags: Tags) -> None:
    found = MP4(files[".m4b"])
    assert found.tags is not None
    assert found["\xa9nam"] == found["\xa9alb"] == ["Hälsa"]
    assert (found["\xa9ART"], found["trkn"], found["stik"]) == (["Ada"], [(1, 1)], [2])
    assert (found["\xa9cmt"], found["\xa9lyr"], found["\xa9too"]) == ([tags.comment], [tags.lyrics], [tags.encoder])
    assert bytes(found["covr"][0]) == tags.cover_png
    assert found.chapters is not None
    told = [(round(one.start * 1000), one.title) for one in found.chapters]
    assert told == [(one.start_ms, one.title) for one in tags.chapters]
    with av.open(str(files[".m4b"])) as container:
        track = [(one["start"], one["metadata"]["title"]) for one in container.chapters()]
    assert track == told


def test_id3_lists_chapters_in_blocks(files: dict[str, Path], tags: Tags) -> None:
    found = ID3(files[".mp3"])
    chapters = {one.element_id: one for one in found.getall("CHAP")}
    contents = {one.element_id: one for one in found.getall("CTOC")}
    told = sorted((one.start_time, one.end_time, _title(one)) for one in chapters.values())
    assert told == [(one.start_ms, one.end_ms, one.title) for one in tags.chapters]
    assert [_title({**chapters, **contents}[one]) for one in contents["toc"].child_element_ids] == [
        "Introduction",
        "Fold",
        "Down, round 1",
        "Down, round 2",
    ]
    assert [_title(chapters[one]) for one in contents["b1"].child_element_ids] == ["Roll, round 2", "Nacke ✓, round 2"]
    assert [bool(one.flags & 2) for one in contents.values()].count(True) == 1


def _title(frame: Any) -> str:
    return str(frame.sub_frames["TIT2"].text[0])


def test_more_than_255_chapters_are_listed_in_several_tables() -> None:
    from io import BytesIO

    chapters = tuple(Chapter(start_ms=at, end_ms=at + 1, title=f"No. {at}") for at in range(600))
    found = ID3(BytesIO(id3_bytes(Tags(title="Long", chapters=chapters), has_chapters=True)))
    contents = {one.element_id: one for one in found.getall("CTOC")}
    top = contents["toc"].child_element_ids
    assert [_title(contents[one]) for one in top] == ["No. 0", "No. 255", "No. 510"]
    assert [len(contents[one].child_element_ids) for one in top] == [255, 255, 90]


def test_wav_has_a_cue_point_a_chapter(files: dict[str, Path], tags: Tags) -> None:
    content = files[".wav"].read_bytes()
    assert int.from_bytes(content[4:8], "little") == len(content) - 8
    at = content.index(b"cue ")
    points = [content[at + 12 + 24 * number :][:24] for number in range(content[at + 8])]
    assert [int.from_bytes(point[20:], "little") for point in points] == [one.start_ms * 48 for one in tags.chapters]
    assert [content.count(one.title.encode() + b"\0") for one in tags.chapters] == [1] * len(tags.chapters)


def test_a_wav_file_of_more_than_4_gib_is_rf64(tmp_path: Path) -> None:
    file = tmp_path / "large.wav"
    sink = open_encoder(file, ".wav", Shape(frames=1 << 31), Tags(title="Long"))
    sink.write(np.full(1_000, 0.5, np.float32))
    sink.finish()
    assert file.read_bytes()[:4] == b"RF64"
    samples, _ = soundfile.read(file)
    assert (len(samples), samples.min()) == (1_000, 0.5)


def test_an_ogg_file_with_much_to_say_has_it_on_several_pages(tmp_path: Path) -> None:
    tags = Tags(title="Long", lyrics="Breathe. " * 30_000, cover_png=png(2_000))
    for suffix in (".ogg", ".opus"):
        file = tmp_path / f"a{suffix}"
        sink = open_encoder(file, suffix, Shape(frames=48_000), tags)
        sink.write(np.zeros(48_000, np.float32))
        sink.finish()
        assert mutagen.File(file)["lyrics"] == [tags.lyrics]
        assert len(soundfile.read(file)[0]) == 48_000


@pytest.mark.parametrize(
    ("suffix", "samplerate_hz", "bitrate_kbps", "message"),
    [
        (".opus", 44_100, None, "Opus has no sample rate of 44100 Hz; use one of 8000, 12000, 16000, 24000, 48000."),
        (".wav", 48_000, 64, "WAV keeps every sample, so it has no bit rate to choose; leave --bitrate out."),
        (".m4a", 48_000, 9, "M4A can't have 9 kbit/s at 48000 Hz; use 16 to 320."),
        (".mp3", 8_000, 65, "MP3 can't have 65 kbit/s at 8000 Hz; use one of 8, 16, 24, 32, 40, 48, 56, 64."),
    ],
)
def test_what_a_format_cannot_have_is_said(
    suffix: str, samplerate_hz: int, bitrate_kbps: int | None, message: str
) -> None:
    with pytest.raises(ExportError) as failure:
        check_shape(suffix, samplerate_hz, bitrate_kbps)
    assert str(failure.value) == message


def test_without_pyav_the_command_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(ExportError) as failure:
        check_shape(".m4b", 48_000, None)
    assert str(failure.value) == (
        'M4B files need the package "av": pip install "voiceroutine[m4a]". '
        "Or choose another format; .mp3 plays everywhere too."
    )


@pytest.mark.parametrize(
    ("tag", "letters"), [("en", "eng"), ("de-AT", "deu"), ("nds", "nds"), ("x-own", "und"), ("", "und")]
)
def test_languages_in_three_letters(tag: str, letters: str) -> None:
    assert iso_639_2(tag) == letters


def output_of(*command: str) -> str:
    """Run a program that may be missing, but not where everything must be tested."""
    if shutil.which(command[0]) is None and not os.environ.get("CI"):
        pytest.skip(f"{command[0]} is not here")
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return ended.stdout + ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_ffprobe_reads_the_length_the_chapters_and_the_tags(suffix: str, files: dict[str, Path], tags: Tags) -> None:
    wanted = ["-show_chapters", "-show_format", "-show_streams"]
    probed = json.loads(output_of("ffprobe", "-v", "error", *wanted, "-of", "json", str(files[suffix])))
    found = probed["streams"][0].get("tags", {}) | probed["format"].get("tags", {})
    told = {key.lower(): text for key, text in found.items()}
    assert (told["title"], told["artist"], told["album"], told["comment"]) == ("Hälsa", "Ada", "Hälsa", tags.comment)
    chapters = [(round(float(one["start_time"]) * 1000), one["tags"]["title"]) for one in probed["chapters"]]
    assert chapters == [(one.start_ms, one.title) for one in tags.chapters]
    ends_ms = [round(float(one["end_time"]) * 1000) for one in probed["chapters"]]
    assert ends_ms[:-1] == [one.end_ms for one in tags.chapters][:-1]
    assert abs(float(probed["format"]["duration"]) * 1000 - tags.chapters[-1].end_ms) < 50
    assert [one["codec_name"] for one in probed["streams"]].count("png") == 1


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_ffmpeg_decodes_without_a_complaint(suffix: str, files: dict[str, Path], timeline: Timeline) -> None:
    raw = files[suffix].with_suffix(f"{suffix}.raw")
    said = output_of("ffmpeg", "-v", "warning", "-y", "-i", str(files[suffix]), "-map", "0:a", "-f", "s16le", str(raw))
    # It says these of every WAV file with one channel, and of every MP4 file with chapters and with a cover.
    usual = ("Guessed Channel Layout", "Unsupported codec with id 98314", "stream 0, timescale not set")
    assert [line for line in said.splitlines() if not any(one in line for one in usual)] == []
    frames = raw.stat().st_size // 2
    assert 0 <= frames - timeline.duration_ms * 48 < (LONGEST_PACKET_FRAMES if suffix in LOSSY else 1)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_mediainfo_reads_the_length_and_the_tags(suffix: str, files: dict[str, Path], tags: Tags) -> None:
    tracks = json.loads(output_of("mediainfo", "--Output=JSON", str(files[suffix])))["media"]["track"]
    general = tracks[0]
    assert (general["Title"], general["Performer"], general["Album"]) == ("Hälsa", "Ada", "Hälsa")
    assert general["Comment"] == tags.comment
    assert abs(float(general["Duration"]) * 1000 - tags.chapters[-1].end_ms) < 50
    menus = [track for track in tracks if track["@type"] == "Menu"]
    # It shows no chapters of ID3, nor cue points.
    assert len(menus) == {".wav": 0, ".mp3": 0, ".m4a": 2, ".m4b": 2}.get(suffix, 1)
    for menu in menus:
        assert [text for key, text in menu["extra"].items() if key != "Menu_For"] == [
            one.title for one in tags.chapters
        ]


@pytest.mark.slow
def test_mp3val_finds_nothing_wrong(files: dict[str, Path]) -> None:
    said = output_of("mp3val", str(files[".mp3"]))
    assert "WARNING" not in said
    assert "CBR" in said


def test_lyrics_are_what_is_said_with_the_chapters_as_headings(production: Production, timeline: Timeline) -> None:
    lines = tags_of(production.routine, production.intervals, timeline).lyrics.splitlines()
    assert lines[:3] == ["Introduction", "Hälsa.", "About one minute."]
    assert lines[3:5] == ["", "Fold"]
    assert lines[-2:] == ["That was all.", "Well done."]


def test_blocks_reach_over_their_chapters(timeline: Timeline) -> None:
    starts_ms = [one.start_ms for one in timeline.chapters]
    assert [one.level for one in timeline.chapters] == [0, 0, 1, 1, 1, 1]
    assert [(one.title, one.level) for one in timeline.blocks] == [("Down, round 1", 0), ("Down, round 2", 0)]
    assert [one.start_ms for one in timeline.blocks] == [starts_ms[2], starts_ms[4]]
    assert [one.end_ms for one in timeline.blocks] == [starts_ms[4], timeline.duration_ms]
    assert all(one.end_ms == other.start_ms for one, other in pairwise(timeline.chapters))
    assert replace(timeline.chapters[0], level=1) != timeline.chapters[0]
