"""Chapters, a cue sheet and labels beside the audio: each is parsed back, and says what the timeline says."""

from __future__ import annotations

import json
import re
from html import unescape
from itertools import pairwise

from hypothesis import given, settings
from jsonschema import validate
from strategies import Session, sessions
from timetable import hold, in_phases, routine_of, timeline_of

from voiceroutine.cues import Chime
from voiceroutine.exporting.chapter_files import audacity_labels, chapters_json, chapters_vtt, cue_sheet
from voiceroutine.timeline import Timeline

# https://github.com/Podcastindex-org/podcast-namespace, "JSON Chapters Format", as far as it is used here.
CHAPTERS_1_2 = {
    "type": "object",
    "required": ["version", "chapters"],
    "properties": {
        "version": {"const": "1.2.0"},
        "title": {"type": "string"},
        "fileName": {"type": "string"},
        "chapters": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["startTime"],
                "properties": {
                    "startTime": {"type": "number", "minimum": 0},
                    "endTime": {"type": "number"},
                    "title": {"type": "string", "minLength": 1},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
NASTY = 'Arms <up> & "down"\t-->\n首'


def starts_and_titles(timeline: Timeline) -> list[tuple[int, str]]:
    return [(chapter.start_ms, " ".join(chapter.title.split())) for chapter in timeline.chapters]


@settings(max_examples=25, deadline=None)
@given(sessions())
def test_json_has_every_chapter_to_the_millisecond(session: Session) -> None:
    timeline = session.timeline()
    found = json.loads(chapters_json(timeline, "Neck.mp3"))
    validate(found, CHAPTERS_1_2)
    chapters = found["chapters"]
    assert [(round(one["startTime"] * 1000), one["title"]) for one in chapters] == starts_and_titles(timeline)
    assert [one["endTime"] for one in chapters] == [
        *(one["startTime"] for one in chapters[1:]),
        timeline.duration_ms / 1000,
    ]


def test_json_as_it_is_written() -> None:
    timeline = timeline_of(routine_of(hold(5_000, name="首"), title="Small"))
    assert chapters_json(timeline, "Small.mp3") == (
        '{\n  "version": "1.2.0",\n  "title": "Small",\n  "fileName": "Small.mp3",\n  "chapters": [\n'
        '    {\n      "startTime": 0.0,\n      "endTime": 1.4,\n      "title": "Introduction"\n    },\n'
        '    {\n      "startTime": 1.4,\n      "endTime": 23.65,\n      "title": "首"\n    }\n  ]\n}\n'
    )


def test_webvtt_as_it_is_written() -> None:
    timeline = timeline_of(routine_of(hold(5_000, name=NASTY)))
    text = chapters_vtt(timeline, "en")
    assert text == (
        "WEBVTT\nKind: chapters\nLanguage: en\n\n"
        "00:00:00.000 --> 00:00:01.400\nIntroduction\n\n"
        '00:00:01.400 --> 00:00:23.650\nArms &lt;up&gt; &amp; "down" --&gt; 首\n'
    )
    assert unescape(text).endswith(" ".join(NASTY.split()) + "\n")


def tracks(sheet: str) -> list[tuple[int, int, str]]:
    """Parse a cue sheet: number, start in frames of 1/75 s, title."""
    pattern = r'  TRACK (\d\d) AUDIO\n    TITLE "([^"\n]*)"\n    INDEX 01 (\d\d+):(\d\d):(\d\d)\n'
    head, _, rest = sheet.partition("  TRACK")
    found = re.findall(pattern, f"  TRACK{rest}")
    assert len(found) == sheet.count("TRACK")
    assert re.fullmatch(r'TITLE "[^"\n]*"\nPERFORMER "[^"\n]*"\nFILE "[^"\n]*" (WAVE|MP3)\n', head)
    return [
        (int(number), (int(minutes) * 60 + int(seconds)) * 75 + int(frames), title)
        for number, title, minutes, seconds, frames in found
    ]


def test_a_cue_sheet_as_it_is_written() -> None:
    timeline = timeline_of(routine_of(hold(5_000, name=NASTY), title='My "best"'))
    assert cue_sheet(timeline, "Neck.mp3", "Me") == (
        'TITLE "My \'best\'"\nPERFORMER "Me"\nFILE "Neck.mp3" MP3\n'
        '  TRACK 01 AUDIO\n    TITLE "Introduction"\n    INDEX 01 00:00:00\n'
        "  TRACK 02 AUDIO\n    TITLE \"Arms <up> & 'down' --> 首\"\n    INDEX 01 00:01:30\n"
    )
    assert '\nFILE "Neck.flac" WAVE\n' in cue_sheet(timeline, "Neck.flac", "Me")


@settings(max_examples=25, deadline=None)
@given(sessions())
def test_a_cue_sheet_is_right_to_its_nearest_frame(session: Session) -> None:
    timeline = session.timeline()
    found = tracks(cue_sheet(timeline, "a.wav", "Me"))
    assert [number for number, _, _ in found] == [*range(1, len(found) + 1)]
    assert found[0][1] == 0
    assert all(one[1] < following[1] for one, following in pairwise(found))
    starts_ms = {title: [] for _, title in starts_and_titles(timeline)}  # type: dict[str, list[int]]
    for start_ms, title in starts_and_titles(timeline):
        starts_ms[title].append(start_ms)
    for _, frame, title in found:
        assert min(abs(frame * 1000 / 75 - start_ms) for start_ms in starts_ms[title]) <= 1000 / 150 + 1e-6


def test_a_cue_sheet_has_99_tracks_at_most_and_minutes_beyond_99() -> None:
    timeline = timeline_of(routine_of(*[hold(60_000)] * 120))
    found = tracks(cue_sheet(timeline, "a.wav", "Me"))
    assert len(found) == 99
    assert found[-1][1] > 100 * 60 * 75


def labels(text: str) -> list[tuple[int, int, str]]:
    """Parse a label track as Audacity does: start, end and label, with tabs between."""
    rows = [line.split("\t") for line in text.splitlines()]
    return [(round(float(start) * 1000), round(float(end) * 1000), label) for start, end, label in rows]


@settings(max_examples=25, deadline=None)
@given(sessions())
def test_labels_have_every_interval_and_every_chime(session: Session) -> None:
    timeline = session.timeline()
    found = labels(audacity_labels(timeline))
    chimes = [(cue.at_ms, f"{cue.why} ({cue.sound})") for cue in timeline.cues if isinstance(cue, Chime)]
    spans = [(placed.start_ms, placed.end_ms) for placed in timeline.intervals]
    assert len(found) == len(chimes) + len(spans)
    assert sorted(start_and_end for *start_and_end, label in found if "(" not in label) == sorted(map(list, spans))
    assert sorted((start, label) for start, _, label in found if "(" in label) == sorted(chimes)
    assert [start for start, _, _ in found] == sorted(start for start, _, _ in found)


def test_labels_say_what_goes_on() -> None:
    roll = in_phases(("Lift.", 2_000), (None, 3_000), reps=2, name="Roll\tup")
    text = audacity_labels(timeline_of(routine_of(hold(9_000, sides=("right", "left"), sets=2), roll)))
    assert "1.400000\t11.400000\tprepare: Fold, right, set 1/2\n" in text
    assert "11.400000\t20.400000\twork: Fold, right, set 1/2\n" in text
    assert "11.400000\t11.400000\tstart (bell)\n" in text
    assert "\twork: Roll up, rep 2/2, Lift\n" in text
    assert text.startswith("0.000000\t1.400000\tintro\n")
