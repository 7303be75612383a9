"""The command line as people and programs meet it: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from timetable import WHERE, hold, routine_of, timeline_of

import voiceroutine
from voiceroutine.cli import COMMANDS
from voiceroutine.cli.timetable import timetable
from voiceroutine.routine import Say
from voiceroutine.units import clock_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Ended

    Command = Callable[..., Ended]

SMALL = 'title = "Small"\n[[steps]]\nname = "Hold"\nhold = "5s"\n'


@pytest.fixture
def small(tmp_path: Path) -> Path:
    file = tmp_path / "small.toml"
    file.write_text(SMALL)
    return file


def test_every_command_explains_itself(command: Command) -> None:
    for name, summary in COMMANDS.items():
        ended = command(name, "--help")
        assert (ended.status, ended.err) == (0, "")
        assert f"Usage: voiceroutine {name}" in ended.out
        assert summary in command("--help").out


def test_version(command: Command) -> None:
    assert command("--version").out == f"voiceroutine, version {voiceroutine.__version__}\n"


def test_a_mistyped_command_has_a_hint(command: Command) -> None:
    ended = command("exprot")
    assert ended.status == 2
    assert 'There is no command "exprot"; did you mean "export"?' in ended.err


def test_an_unknown_routine_has_a_hint(command: Command) -> None:
    ended = command("play", "neck-coldown")
    assert ended.status == 3
    assert ended.err == (
        'neck-coldown: there is no such file, and no routine of that name\n    did you mean "neck-cooldown"?\n'
    )


def test_show_json_is_the_contract(command: Command, small: Path) -> None:
    ended = command("show", str(small), "--json")
    shown = json.loads(ended.out)
    assert (ended.status, ended.err) == (0, "")
    assert list(shown) == [
        "format",
        "title",
        "voice",
        "duration_ms",
        "changes",
        "intervals",
        "cues",
        "chapters",
        "problems",
    ]
    assert (shown["format"], shown["title"], shown["voice"]) == (1, "Small", "espeak")
    [work] = [interval for interval in shown["intervals"] if interval["kind"] == "work"]
    assert work == {
        "kind": "work",
        "start_ms": work["start_ms"],
        "end_ms": work["start_ms"] + 5_000,
        "grown_ms": 0,
        "step": "Hold",
        "exercise": None,
        "side": None,
        "set": 1,
        "sets": 1,
        "rep": 1,
        "reps": 1,
        "phase": None,
        "breath": None,
        "source": f"{small}:2",
    }
    start = next(cue for cue in shown["cues"] if cue["why"] == "start")
    assert start == {
        "kind": "chime",
        "start_ms": work["start_ms"],
        "end_ms": work["start_ms"] + 2_800,
        "sound": "bell",
        "why": "start",
    }
    name = next(cue for cue in shown["cues"] if cue["why"] == "name")
    assert (name["kind"], name["text"]) == ("speech", "Hold.")
    ends = [0, *(interval["end_ms"] for interval in shown["intervals"])]
    assert [interval["start_ms"] for interval in shown["intervals"]] == ends[:-1]
    assert ends[-1] == shown["duration_ms"] == shown["chapters"][-1]["end_ms"]


def test_show_is_a_timetable(command: Command, small: Path) -> None:
    rows = command("show", str(small), "--voice", "silent").out.splitlines()
    assert re.fullmatch(r"Small: 0:\d\d, 1 stretch of work, voice silent", rows[0])
    assert re.fullmatch(r"Work 0:05, gaps 0:05, words alone 0:\d\d\. Spoken in all: 0:\d\d\.", rows[1])
    assert [row.split()[1] for row in rows if re.match(r" +\d+:\d\d    [a-z]", row)] == [
        "intro",
        "prepare",
        "work",
        "closing",
    ]
    assert [row.split(maxsplit=1)[1] for row in rows if re.match(r" +\d+:\d\d  \S", row)] == [
        "Introduction",
        "1. Hold · hold 5s",
        "End",
    ]


REPS = """title = "Reps"
[cues]
safety = false
[[steps]]
name = "Lift"
reps = 12
hold = "5s"
relax = "3s"
[[steps]]
name = "Roll"
reps = 4
phases = [ { say = "up", lasts = "2s" }, { say = "down", lasts = "3s" } ]
[[steps]]
name = "Press"
reps = 2
hold = "5s"
"""


def shown_reps(command: Command, tmp_path: Path) -> tuple[list[str], list[str]]:
    """Return the rows of a timetable, and the instants of its work from the JSON of the same."""
    file = tmp_path / "reps.toml"
    file.write_text(REPS)
    data = json.loads(command("show", str(file), "--json", "--estimate").out)
    works = [interval for interval in data["intervals"] if interval["kind"] == "work"]
    return command("show", str(file), "--estimate").out.splitlines(), [clock_text(one["start_ms"]) for one in works]


def test_reps_that_are_alike_are_shown_once(command: Command, tmp_path: Path) -> None:
    rows, works = shown_reps(command, tmp_path)
    [lifts, rolls] = [row.split("likewise, ") for row in rows if "likewise" in row]
    # Lift: rep 1 and 2 in full, 3 to 12 alike, 8 s each. Roll: rep 1 in full, 2 to 4 alike. Press: both in full.
    assert lifts[0].split(maxsplit=1)[1] == "reps 3 to 12 "
    assert lifts[1] == f"work at {works[2]} and every 8s until {works[11]}"
    assert rolls[0].split(maxsplit=1)[1] == "reps 2 to 4 "
    assert rolls[1] == f"work at {works[14]}, {works[16]}, {works[18]}"
    assert [" ".join(row.split()[1:]) for row in rows if " work " in row and "likewise" not in row] == [
        "work 5s rep 1 of 12",
        "work 5s rep 2 of 12",
        "work 2s rep 1 of 4, up",
        "work 3s rep 1 of 4, down",
        "work 5s rep 1 of 2",
        "work 5s rep 2 of 2",
    ]


def test_gaps_that_grew_are_marked(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "grown.toml"
    text = "Sit down slowly and comfortably, and then breathe in and out for a while before you begin."
    file.write_text(f'title = "Grown"\n[[steps]]\nname = "Sit"\ninstruction = "{text}"\nprepare = "2s"\nhold = "5s"\n')
    data = json.loads(command("show", str(file), "--json", "--estimate").out)
    [prepare] = [interval for interval in data["intervals"] if interval["kind"] == "prepare"]
    rows = command("show", str(file), "--estimate").out.splitlines()
    [row] = [row for row in rows if " prepare " in row]
    assert prepare["grown_ms"] > 1_000
    assert row.endswith(f"  +{prepare['grown_ms'] / 1000:.1f}s for the words")


def test_a_timetable_is_wrapped_to_the_terminal() -> None:
    text = "Sit or stand tall. The bell begins, and the bowl lets go. Let your shoulders drop."
    say = Say(where=WHERE, text=text)
    lines = list(timetable(timeline_of(routine_of(say, hold())), "silent", 60))
    at = lines.index('   0:01        "Sit or stand tall. The bell begins, and the')
    assert lines[at + 1] == '                bowl lets go. Let your shoulders drop."'
    assert max(map(len, lines[2:])) <= 60
    assert f'   0:01        "{text}"' in timetable(timeline_of(routine_of(say, hold())), "silent", None)


@pytest.mark.parametrize("name", ["a.svg", "a.PNG"])
def test_show_draws_a_picture(name: str, command: Command, small: Path, tmp_path: Path) -> None:
    file = tmp_path / name
    ended = command("show", str(small), "--estimate", "--plot", str(file))
    assert (ended.status, ended.err) == (0, "")
    assert re.fullmatch(rf"{re.escape(str(file))}: Small, 0:\d\d\n", ended.out)
    assert file.read_bytes().startswith((b"<?xml", b"\x89PNG"))


def test_a_plot_of_another_kind_is_a_usage_error(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "a.gif"
    ended = command("show", "--plot", str(file))
    assert ended.status == 2
    assert ended.err.endswith(f"\nError: Invalid value for '--plot': {file}: the name must end in .svg or .png.\n")


def test_a_plot_is_not_json(command: Command, tmp_path: Path) -> None:
    ended = command("show", "--json", "--plot", str(tmp_path / "a.svg"))
    assert ended.status == 2
    assert ended.err.endswith("\nError: --json prints and --plot draws; give one of them.\n")
    assert not (tmp_path / "a.svg").exists()


def test_the_folder_of_a_plot_must_be_there(command: Command, tmp_path: Path) -> None:
    ended = command("show", "--plot", str(tmp_path / "no" / "a.svg"))
    assert (ended.status, ended.err) == (6, f"The folder {tmp_path}/no is not there; make it first.\n")


def test_check_counts_what_it_finds(command: Command, small: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text('title = "B"\n[[steps]]\nname = "Hold"\nhodl = "5s"\n')
    assert command("check", str(small)).out.endswith("1 routine: 1 note.\n")
    ended = command("check", str(small), str(broken))
    assert ended.status == 3
    assert f'\n{broken}:4:1: steps[0].hodl: an exercise step has no key "hodl"\n' in ended.out
    assert ended.out.endswith("2 routines: 1 error, 1 note.\n")


def test_check_json_is_for_editors(command: Command, small: Path, tmp_path: Path) -> None:
    broken, missing = tmp_path / "broken.toml", tmp_path / "missing.toml"
    broken.write_text('title = "B"\n[[steps]]\nname = "Hold"\nhodl = "5s"  # short\n')
    ended = command("check", str(small), str(broken), str(missing), "--json")
    note, error, unread = json.loads(ended.out)["problems"]
    assert (ended.status, ended.err) == (3, "")
    assert (note["severity"], note["line"], note["column"], note["end_column"]) == ("note", 2, 1, 10)
    assert error == {
        "severity": "error",
        "where": f"{broken}:4:1",
        "file": str(broken),
        "line": 4,
        "column": 1,
        "end_column": 12,
        "path": "steps[0].hodl",
        "message": 'an exercise step has no key "hodl"',
        "hint": 'did you mean "hold"?',
    }
    assert unread == {
        "severity": "error",
        "where": f"{missing}:0:0",
        "file": str(missing),
        "line": None,
        "column": None,
        "end_column": None,
        "path": "",
        "message": "can't be read: No such file or directory",
        "hint": "is the name right?",
    }


def test_a_problem_of_what_is_not_written_has_no_end(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text("[[steps]]\nrest = 5\n")
    [problem] = json.loads(command("check", str(file), "--json").out)["problems"]
    assert (problem["path"], problem["line"], problem["column"], problem["end_column"]) == ("title", 1, 1, None)


def test_a_note_shows_its_line_in_the_timetable_too(command: Command, small: Path) -> None:
    small.write_text(
        SMALL.replace('"5s"', "[]").replace(
            "hold = []", 'phases = [{ say = "Lift and hold it there, and breathe.", lasts = "1s" }]'
        )
    )
    assert command("show", str(small), "--estimate").out.endswith("\n    2 | [[steps]]\n      | ^^^^^^^^^\n")


def test_every_bundled_routine_passes(command: Command) -> None:
    names = [line.split()[0] for line in command("routines").out.splitlines() if line and "min," in line]
    assert {"neck-cooldown", "neck-complete"} <= set(names)
    assert command("check", "--strict", *names).status == 0


def test_a_routine_of_the_users_own_is_found_by_name(command: Command, own_folders: Path, small: Path) -> None:
    folder = own_folders / "voiceroutine" / "routines"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(SMALL)
    assert command("show", "mine", "--estimate").out.startswith("Small:")
    assert "mine " in command("routines").out


def test_exercises_are_listed_and_shown(command: Command) -> None:
    assert len(command("exercises").out.splitlines()) >= 10
    shown = command("exercises", "neck-tilt").out
    assert shown.startswith("Neck tilt (neck-tilt)\n")
    assert "ACSM" in command("exercises", "neck-stretch").out
    assert command("exercises", "neck-tlit").status == 3


def test_voices_say_which_is_used_and_why(command: Command) -> None:
    lines = command("voices").out.splitlines()
    assert lines[0] == "Used: espeak (the embedded espeak-ng is there)"
    assert any(line.strip().startswith("espeak:en-us ") for line in lines)


def chimes_of(command: Command, *arguments: str) -> set[str]:
    cues = json.loads(command("show", *arguments, "--estimate", "--json").out)["cues"]
    return {cue["sound"] for cue in cues if cue["kind"] == "chime"}


def test_the_listeners_chimes_win_over_those_of_the_file(command: Command, tmp_path: Path) -> None:
    text = 'title = "T"\n[sounds]\ntheme = "tones"\nstart = "bowl"\n[[steps]]\nname = "A"\nhold = 9\n'
    (tmp_path / "r.toml").write_text(text, encoding="utf-8")
    path = str(tmp_path / "r.toml")
    assert chimes_of(command, path) == {"bowl", "tones-end", "tones-tick", "tones-finish"}
    assert chimes_of(command, path, "--chimes", "wood") == {"wood-start", "wood-end", "wood-tick", "wood-finish"}


def test_show_counts_the_breaths_that_are_paced(command: Command, tmp_path: Path) -> None:
    text = 'title = "T"\n[[steps]]\nexercise = "breathing"\nmove = "45s"\n'
    (tmp_path / "r.toml").write_text(text, encoding="utf-8")
    lines = command("show", str(tmp_path / "r.toml"), "--estimate").out
    assert "work        45s  4 breaths of 10s, the last 5s not paced\n" in lines
    assert "note: the work of 45s has 4 whole breaths of 10s; its last 5s isn't paced\n" in lines
    shown = json.loads(command("show", str(tmp_path / "r.toml"), "--estimate", "--json").out)
    paced = [one["breath"] for one in shown["intervals"] if one["breath"]]
    assert paced == [{"in_ms": 4_000, "out_ms": 6_000, "breaths": 4, "unpaced_ms": 5_000}]
    tones = [(cue["sound"], cue["end_ms"] - cue["start_ms"]) for cue in shown["cues"] if cue["why"] == "breath"]
    assert tones == [("bells-breath-in", 4_000), ("bells-breath-out", 6_000)] * 4


@pytest.mark.parametrize("verb", ["show", "export", "play"])
def test_music_that_cannot_be_used_ends_with_2(command: Command, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path.home())
    Path("text.mp3").write_text("This is not sound. " * 50, encoding="utf-8")
    ended = command(verb, "neck-cooldown", "--background", "text.mp3")
    assert ended.status == 2
    assert ended.err.startswith('--background: "text.mp3" can\'t be read as sound\n    WAV, FLAC, OGG, MP3 and AIFF')


def test_a_background_and_none_are_not_both_wanted(command: Command) -> None:
    ended = command("show", "neck-cooldown", "--background", "rain", "--no-background")
    assert ended.status == 2
    assert "--background wants something under it, and --no-background nothing; give one of them." in ended.err


def test_music_that_is_not_there_matters_only_where_it_is_wished(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        'title = "Own"\nsounds = { background = { sound = "music.ogg" } }\n[[steps]]\nexercise = "chin-tuck"\n'
    )
    ended = command("show", str(file))
    assert (ended.status, "music.ogg" in ended.err) == (3, True)
    ended = command("show", str(file), "--no-background")
    assert (ended.status, ended.err) == (0, "")


def test_a_file_and_a_format_that_are_not_the_same_are_told(command: Command) -> None:
    ended = command("export", "neck-cooldown", "-o", "z.mp3", "-f", "opus")
    assert ended.status == 2
    assert "-o z.mp3 says mp3 and -f says opus; leave one of them out." in ended.err


def test_the_name_of_a_voice_that_is_missing_is_not_shown_for_another(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICEROUTINE_VOICE", "command:nope")
    ended = command("show", "chin-tuck-habit")
    assert ended.out.splitlines()[0].endswith("voice espeak")


def test_a_variant_of_espeak_that_is_not_there_ends_with_4(command: Command) -> None:
    ended = command("show", "chin-tuck-habit", "--voice", "espeak:en-us+zz")
    assert ended.status == 4
    assert ended.err.startswith('espeak has no voice "en-us+zz"; did you mean "en-us+')
    assert command("show", "chin-tuck-habit", "--voice", "espeak:en-us+f3").status == 0


def test_an_unknown_engine_ends_with_4(command: Command) -> None:
    ended = command("show", "neck-cooldown", "--voice", "espaek")
    assert (ended.status, ended.err) == (4, 'There is no voice engine "espaek"; did you mean "espeak"?\n')


def test_about_names_the_red_flags(command: Command) -> None:
    text = command("about").out
    assert "GPL-3.0-or-later" in text
    assert "dizziness" in text


def test_the_way_out_of_no_sound_is_a_command_with_the_same_flags() -> None:
    from voiceroutine.cli.play import _ways_out
    from voiceroutine.player import Snapshot

    unheard, heard = (Snapshot(state="failed", position_ms=position_ms, index=0) for position_ms in (-100, 61_000))
    flags = {"voice": "espeak:en-us", "rate": None, "profile": "quiet", "no_limits": True}
    choice = {"start": "Neck tilt", "only": ("1,2", "3"), "skip": ()}
    assert _ways_out("my routines/a b.toml", flags, unheard).endswith(
        " export 'my routines/a b.toml' --voice espeak:en-us --profile quiet --no-limits -o 'a b.wav'"
    )
    later, file = _ways_out("neck", choice, heard).splitlines()
    assert later.endswith(" play neck --from 'Neck tilt' --only 1,2 --only 3 --resume")
    assert file.endswith(" export neck --from 'Neck tilt' --only 1,2 --only 3 -o neck.wav")


def test_flags_come_from_the_environment_too(command: Command, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEROUTINE_SHOW_VOICE", "silent")
    assert json.loads(command("show", str(small), "--json").out)["voice"] == "silent"


NO_SOUND = {"PULSE_SERVER": "unix:/nonexistent", "XDG_RUNTIME_DIR": "/nonexistent"}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the machine's own sound can't be hidden")
def test_without_a_device_play_ends_with_5_and_an_export_command_that_works(small: Path, tmp_path: Path) -> None:
    nothing = tmp_path / "asound.conf"
    nothing.write_text("")
    environment = {**os.environ, **NO_SOUND, "ALSA_CONFIG_PATH": str(nothing)}
    played = subprocess.run(
        [sys.executable, "-m", "voiceroutine", "play", str(small), "--no-ui"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert played.returncode == 5
    assert "Traceback" not in played.stderr
    advice, _, printed = played.stderr.splitlines()[-1].partition(": ")
    assert advice == "To make a file instead and play it elsewhere"
    assert printed == f"{sys.executable} -m voiceroutine export {small} -o small.wav"
    assert subprocess.run(printed, shell=True, env=environment, cwd=tmp_path, check=False).returncode == 0
    assert (tmp_path / "small.wav").stat().st_size > 500_000


def test_a_broken_routine_is_told_before_anything_sounds(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text('title = "B"\n[[steps]]\nname = "Hold"\nhold = "-5s"\n')
    ended = subprocess.run(
        [sys.executable, "-m", "voiceroutine", "play", str(broken)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **NO_SOUND},
    )
    assert ended.returncode == 3
    assert ended.stderr.startswith(f"{broken}:4:1: steps[0].hold: a duration can't be negative")


def test_a_closed_pipe_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, "-m", "voiceroutine", "show", "neck-complete", "--estimate"],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_what_play_cannot_do_is_told_before_anything_sounds(command: Command, small: Path) -> None:
    waits = command("play", str(small), "--delay", "key")
    assert (waits.status, waits.out) == (2, "")
    assert 'There is no terminal to press a key on; give --delay a time, like "10s".' in waits.err
    both = command("play", str(small), "--json", "--quiet")
    assert (both.status, both.out) == (2, "")
    assert "--json prints and --quiet doesn't; give one of them." in both.err
