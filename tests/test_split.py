"""A session split into files: their names, their playlist, and that together they are the whole."""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from engines import Tones
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import Session, sessions
from timetable import hold, routine_of, timeline_of

from voiceroutine.exporting.playlist import m3u8_text, parts_to_export, safe_file_name
from voiceroutine.library import bundled_folder
from voiceroutine.mix import Clips, Mix
from voiceroutine.narration import Narrator
from voiceroutine.sounds import Sounds
from voiceroutine.timeline import compile_timeline
from voiceroutine.units import frame_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Ended

    Command = Callable[..., Ended]


def split(*names: str, suffix: str = ".mp3") -> list[str]:
    timeline = timeline_of(routine_of(*(hold(5_000, name=name) for name in names)))
    return [part.file_name for part in parts_to_export(timeline, suffix)]


def test_files_are_numbered_and_named_by_their_exercise() -> None:
    assert split("Neck tilt", "Наклон шеи", "首") == [
        "01 Introduction.mp3",
        "02 Neck tilt.mp3",
        "03 Наклон шеи.mp3",
        "04 首.mp3",
    ]
    assert split(*["Fold"] * 100)[99:] == ["100 Fold.mp3", "101 Fold.mp3"]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("AC/DC: left\\right?", "01 AC DC left right.flac"),
        ('"Up" <down> | *', "01 Up down.flac"),
        ("..", "01.flac"),
        ("End. ", "01 End.flac"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}gpj", "01 gpj.flac"),
        ("a\nb\0c", "01 a b c.flac"),
        ("E\N{COMBINING ACUTE ACCENT}paule", "01 Épaule.flac"),
        ("می\N{ZERO WIDTH NON-JOINER}روم", "01 می\N{ZERO WIDTH NON-JOINER}روم.flac"),
        ("x" * 300, "01 " + "x" * 77 + ".flac"),
        ("首" * 300, "01 " + "首" * 59 + ".flac"),
        ("x" * 76 + "x\N{COMBINING RING BELOW}", "01 " + "x" * 76 + ".flac"),
    ],
)
def test_names_are_safe_on_every_system(title: str, name: str) -> None:
    assert safe_file_name(f"01 {title}", ".flac") == name


@settings(max_examples=300)
@given(st.text(max_size=200))
def test_any_title_gives_a_name_that_can_be_a_file(title: str) -> None:
    name = safe_file_name(f"07 {title}", ".m4a")
    assert not set(name) & set('<>:"/\\|?*')
    assert not any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name)
    assert len(name.encode()) <= 184
    assert name.startswith("07")
    assert name.endswith(".m4a")
    assert not name.removesuffix(".m4a").endswith((" ", "."))


def test_a_name_can_be_written(tmp_path: Path) -> None:
    for name in split('a/b:c*?"<>|', "首" * 200):
        (tmp_path / name).write_bytes(b"")
    assert len(list(tmp_path.iterdir())) == 3


def test_a_playlist_as_it_is_written() -> None:
    timeline = timeline_of(routine_of(hold(5_000, name="Neck, tilt\nslowly")))
    assert m3u8_text(parts_to_export(timeline, ".mp3"), title="Small", artist="Me") == (
        "#EXTM3U\n#EXTENC:UTF-8\n#PLAYLIST:Small\n#EXTART:Me\n"
        "#EXTINF:1.400,Introduction\n01 Introduction.mp3\n"
        "#EXTINF:22.250,Neck, tilt slowly\n02 Neck, tilt slowly.mp3\n"
    )


@settings(max_examples=25, deadline=None)
@given(sessions(), st.sampled_from([8_000, 22_050, 44_100, 48_000]))
def test_parts_tile_the_session_at_any_sample_rate(session: Session, samplerate_hz: int) -> None:
    timeline = session.timeline()
    parts = parts_to_export(timeline, ".mp3")
    assert [part.title for part in parts] == [chapter.title for chapter in timeline.chapters]
    assert [(part.number, part.count) for part in parts] == [(n, len(parts)) for n in range(1, len(parts) + 1)]
    frames = [part.frames(samplerate_hz) for part in parts]
    assert frames[0].start == 0
    assert frames[-1].stop == frame_at(timeline.duration_ms, samplerate_hz)
    assert all(one.stop == following.start for one, following in pairwise(frames))
    assert sum(part.duration_ms for part in parts) == timeline.duration_ms
    names = [part.file_name.casefold() for part in parts]
    assert len(set(names)) == len(names)


@pytest.fixture(scope="module")
def clips() -> Clips:
    return Clips(Narrator(Tones(character_ms=20, samplerate_hz=48_000)), Sounds(bundled_folder("audio")))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(session=sessions())
def test_parts_played_one_after_the_other_are_the_whole(session: Session, clips: Clips) -> None:
    """What rings on at the end of a part is heard at the start of the next, without a click and without a gap."""
    sounds = Sounds(bundled_folder("audio"))
    timeline = compile_timeline(session.routine, session.intervals(), session.pace, sounds.length_ms)
    mix = Mix(clips, timeline.cues)
    whole = mix.read(0, np.empty(frame_at(timeline.duration_ms), np.float32))
    parts = [
        mix.read(part.frames().start, np.empty(len(part.frames()), np.float32))
        for part in parts_to_export(timeline, ".wav")
    ]
    assert np.array_equal(np.concatenate(parts), whole)


def test_parts_that_are_there_are_up_to_date_and_hide_no_routine(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for asked in (("--split",), ("--split", "-o", "set")):
        first, second = (command("export", "chin-tuck-habit", "--voice", "silent", *asked) for _ in range(2))
        assert (first.status, second.status) == (0, 0)
        assert second.out == first.out.replace("\n", ", up to date\n")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["chin-tuck-habit", "set"]
    assert [file for file in (tmp_path / "set").iterdir() if file.is_dir()] == []
    assert command("export", "chin-tuck-habit", "--voice", "silent", "-o", "whole.wav").status == 0
