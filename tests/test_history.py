"""The log of sessions: what gets into it, how it is shown, and that nothing tears it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from timetable import hold, routine_of, timeline_of

from voiceroutine.history import Entry, Heard, append, calendar, clear, entry_of, keep, log_file, read
from voiceroutine.settings import keeps_history

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Ended

    from voiceroutine.timeline import Timeline

    Command = Callable[..., Ended]

ZONE = timezone(timedelta(hours=2))
BEGUN = datetime(2025, 5, 1, 18, 30, 7, tzinfo=ZONE)
ENTRY = Entry(
    begun=BEGUN,
    title="Neck cool-down",
    routine="neck-cooldown",
    done_ms=390_000,
    total_ms=420_500,
    exercises_done=6,
    exercises=7,
    ended="stopped",
)


@pytest.fixture
def log(own_folders: Path) -> Path:
    return log_file()


@pytest.fixture
def timeline() -> Timeline:
    return timeline_of(routine_of(hold(name="Fold"), hold(name="Turn", sides=("left", "right")), hold(name="Nod")))


def entry(heard: Heard, timeline: Timeline) -> Entry:
    return entry_of(
        heard,
        timeline.intervals,
        [one.interval for one in timeline.intervals],
        begun=BEGUN,
        title="Small",
        routine="small.toml",
        total_ms=timeline.duration_ms,
        ended="stopped",
    )


def listened(*spans: tuple[int, int]) -> Heard:
    heard = Heard()
    for start_ms, end_ms in spans:
        for position_ms in (*range(start_ms, end_ms, 200), end_ms):
            heard.look(position_ms)
    return heard


def start_of(timeline: Timeline, name: str) -> int:
    return next(one.start_ms for one in timeline.intervals if one.interval.step and one.interval.step.name == name)


def test_a_whole_session_counts_whole(timeline: Timeline) -> None:
    done = entry(listened((-500, timeline.duration_ms + 100)), timeline)
    assert done.total_ms == timeline.duration_ms
    assert timeline.duration_ms - 200 <= done.done_ms <= timeline.duration_ms
    assert (done.exercises_done, done.exercises) == (3, 3)


def test_what_was_skipped_does_not_count(timeline: Timeline) -> None:
    turn_ms, nod_ms = start_of(timeline, "Turn"), start_of(timeline, "Nod")
    done = entry(listened((0, turn_ms), (nod_ms, timeline.duration_ms)), timeline)
    assert done.done_ms == timeline.duration_ms - (nod_ms - turn_ms)
    assert (done.exercises_done, done.exercises) == (2, 3)


def test_what_was_heard_twice_counts_once(timeline: Timeline) -> None:
    turn_ms = start_of(timeline, "Turn")
    done = entry(listened((0, turn_ms), (5_000, turn_ms), (1_000, 3_000)), timeline)
    assert done.done_ms == turn_ms
    assert done.exercises_done == 1


def test_one_side_of_two_is_no_exercise_done(timeline: Timeline) -> None:
    switch_ms = next(one.start_ms for one in timeline.intervals if one.interval.kind == "switch")
    done = entry(listened((0, switch_ms)), timeline)
    assert (done.done_ms, done.exercises_done) == (switch_ms, 1)


def test_what_is_not_compiled_yet_counts_as_there(timeline: Timeline) -> None:
    begin = timeline.intervals[:4]
    intervals = [one.interval for one in timeline.intervals]
    done = entry_of(
        listened((0, begin[-1].end_ms)), begin, intervals,
        begun=BEGUN, title="Small", routine="small.toml", total_ms=99_000, ended="lost device",
    )  # fmt: skip
    assert (done.done_ms, done.total_ms, done.exercises) == (begin[-1].end_ms, 99_000, 3)


def test_what_is_written_is_read(log: Path) -> None:
    other = replace(ENTRY, begun=BEGUN - timedelta(days=1), title='Ü \u2028 "quoted"\nline', ended="done")
    assert keep(ENTRY) == keep(other) == ""
    assert read() == (other, ENTRY)
    assert json.loads(log.read_text(encoding="utf-8").splitlines()[0]) == {
        "begun": "2025-05-01T18:30:07+02:00",
        "title": "Neck cool-down",
        "routine": "neck-cooldown",
        "done_ms": 390_000,
        "total_ms": 420_500,
        "exercises_done": 6,
        "exercises": 7,
        "ended": "stopped",
    }


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_nobody_else_may_read_it(log: Path) -> None:
    append(log, ENTRY)
    assert log.stat().st_mode & 0o077 == 0


def test_a_torn_last_line_is_skipped_and_costs_no_other(log: Path) -> None:
    append(log, ENTRY)
    whole = log.read_bytes()
    for length in range(1, len(whole)):
        log.write_bytes(whole + whole[:length])
        later = replace(ENTRY, begun=BEGUN + timedelta(hours=1))
        append(log, later)
        # Without its line end, a line is whole all the same.
        assert read() == (ENTRY, *[ENTRY] * (length == len(whole) - 1), later)


@pytest.mark.parametrize(
    "line",
    [
        "", "null", "[]", "{}", "7", '"begun"', "\x00" * 40, "[" * 100_000,
        json.dumps({"begun": "yesterday"}),
        json.dumps({**json.loads('{"begun": "2025-05-01T18:30:07+02:00"}'), "title": "x"}),
    ],
)  # fmt: skip
def test_lines_of_no_session_are_skipped(log: Path, line: str) -> None:
    append(log, ENTRY)
    log.write_bytes(line.encode() + b"\n" + log.read_bytes())
    assert read() == (ENTRY,)


@pytest.mark.parametrize(
    "change",
    [
        {"begun": "2025-05-01T18:30:07"}, {"begun": 3}, {"done_ms": -1}, {"total_ms": "7"}, {"exercises": True},
        {"title": None}, {"ended": "exploded"},
    ],
)  # fmt: skip
def test_a_session_that_can_not_be_is_skipped(log: Path, change: dict[str, object]) -> None:
    append(log, ENTRY)
    data = json.loads(log.read_text())
    log.write_text(json.dumps({**data, **change}) + "\n" + json.dumps({**data, "new_key": 1}) + "\n")
    assert read() == (ENTRY,)


WRITER = """
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from voiceroutine.history import Entry, append
for number in range(60):
    append(Path(sys.argv[1]), Entry(
        begun=datetime(2025, 5, 1, tzinfo=timezone.utc) + timedelta(minutes=number), title=sys.argv[2] * 500,
        routine="r", done_ms=number, total_ms=60, exercises_done=0, exercises=1, ended="done"))
"""


def test_programs_that_write_at_once_lose_nothing(log: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(log), name]) for name in "abc"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    found = {(one.title[0], one.done_ms) for one in read()}
    assert found == {(name, number) for name in "abc" for number in range(60)}
    assert len(log.read_bytes().splitlines()) == 180


FULL = """
import resource, sys
from pathlib import Path
from voiceroutine.history import keep, read
log = Path(sys.argv[1])
[entry] = read(log)
size = log.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, size + 20))
print(keep(entry, log))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows can't limit the size of files")
def test_a_full_disk_is_a_sentence_and_tears_nothing(log: Path) -> None:
    append(log, ENTRY)
    before = log.read_bytes()
    ended = subprocess.run([sys.executable, "-c", FULL, str(log)], capture_output=True, text=True, check=True)
    assert ended.stdout == f"This session could not be written into the log {log}: File too large.\n"
    assert log.read_bytes() == before


def test_a_folder_in_the_way_is_a_sentence(log: Path) -> None:
    log.mkdir(parents=True)
    assert keep(ENTRY).startswith(f"This session could not be written into the log {log}: ")


def test_the_calendar_counts_days_on_the_wall(timeline: Timeline) -> None:
    now = datetime(2025, 5, 1, 8, 0, tzinfo=ZONE)
    days = (0, 0, 1, 3, 4, 10, 40)
    late = [replace(ENTRY, begun=datetime(2025, 5, 1, 23, 59, tzinfo=ZONE) - timedelta(days=back)) for back in days]
    weeks = [*calendar(late, now, weeks=2)]
    assert [str(week.monday) for week in weeks] == ["2025-04-21", "2025-04-28"]
    assert [week.counts for week in weeks] == [(1, 0, 0, 0, 0, 0, 1), (1, 0, 1, 2, None, None, None)]


def this_week(command: Command) -> list[str]:
    """Return the cells of the last week of the calendar."""
    lines = command("history").out.splitlines()
    return lines[lines.index("") - 1].split()


def test_the_log_is_off_until_it_is_wished(command: Command) -> None:
    assert not keeps_history()
    ended = command("history")
    assert ended == (
        0, 'No log of sessions is kept. To keep one on this machine: "voiceroutine config history on"\n', ""
    )  # fmt: skip
    assert command("config", "history", "on").status == 0
    assert keeps_history()
    assert command("history") == (0, "There is no session in the log yet.\n", "")


def test_the_newest_session_is_first(command: Command, log: Path) -> None:
    append(log, ENTRY)
    append(log, replace(ENTRY, begun=BEGUN + timedelta(days=1), title="Bad\x1b[2Jtitle", total_ms=3_725_000))
    ended = command("history")
    assert (ended.status, ended.err) == (0, "")
    calendar_lines, _, table = ended.out.partition("\n\n")
    assert table == (
        "Begun             Done             Exercises  Ended    Routine\n"
        "2025-05-02 18:30  6:30 of 1:02:05  6 of 7     stopped  Bad\\x1b[2Jtitle\n"
        "2025-05-01 18:30  6:30 of 7:00     6 of 7     stopped  Neck cool-down\n"
    )
    assert calendar_lines.splitlines()[:2] == ["Sessions a day", "Week from   Mo Tu We Th Fr Sa Su   days"]
    assert len(calendar_lines.splitlines()) == 8


def test_today_is_in_the_calendar(command: Command, log: Path) -> None:
    now = datetime.now().astimezone()
    append(log, replace(ENTRY, begun=now))
    append(log, replace(ENTRY, begun=now))
    monday, *days, active = this_week(command)
    assert days[-1] == "2"
    assert len(days) == (now.date() - datetime.fromisoformat(monday).date()).days + 1
    assert active == "1"


def test_only_the_newest_are_listed_unless_all_are_wished(command: Command, log: Path) -> None:
    for number in range(23):
        append(log, replace(ENTRY, begun=BEGUN + timedelta(hours=number)))
    ended = command("history").out
    assert ended.count("Neck cool-down") == 20
    assert ended.endswith('\n\nand 3 earlier: "voiceroutine history --all" lists them too.\n')
    assert command("history", "--all").out.count("Neck cool-down") == 23


def test_json_is_for_programs(command: Command, log: Path) -> None:
    assert json.loads(command("history", "--json").out) == {"file": str(log), "is_on": False, "sessions": []}
    later = replace(ENTRY, begun=BEGUN + timedelta(days=1), ended="done")
    append(log, ENTRY)
    append(log, later)
    data = json.loads(command("history", "--json").out)
    assert [one["begun"] for one in data["sessions"]] == ["2025-05-02T18:30:07+02:00", "2025-05-01T18:30:07+02:00"]
    assert data["sessions"][0]["ended"] == "done"


CSV = """\
begun,title,routine,done_s,total_s,exercises_done,exercises,ended
2025-05-01T18:30:07+02:00,Neck cool-down,neck-cooldown,390,420.5,6,7,stopped
2025-05-02T18:30:07+02:00,"'=HYPERLINK(""x"")",'-1,390,420.5,6,7,done
"""


def test_csv_is_for_spreadsheets_and_runs_nothing_in_them(command: Command, log: Path, tmp_path: Path) -> None:
    later = replace(ENTRY, begun=BEGUN + timedelta(days=1), title='=HYPERLINK("x")', routine="-1", ended="done")
    append(log, later)
    append(log, ENTRY)
    assert command("history", "--csv", "-") == (0, CSV, "")
    file = tmp_path / "log.csv"
    assert command("history", "--csv", str(file)) == (0, f"{file}: 2 sessions.\n", "")
    assert file.read_bytes() == CSV.encode()
    assert len([*csv.DictReader(io.StringIO(file.read_text()))]) == 2


def test_csv_and_json_are_not_both_wanted(command: Command, tmp_path: Path) -> None:
    ended = command("history", "--csv", str(tmp_path / "log.csv"), "--json")
    assert ended.status == 2
    assert "--json prints the log and --csv writes it as a table; give one of them." in ended.err


def test_a_csv_that_can_not_be_written_is_told(command: Command, log: Path, tmp_path: Path) -> None:
    append(log, ENTRY)
    ended = command("history", "--csv", str(tmp_path / "no" / "log.csv"))
    assert ended.status == 6
    assert "log.csv could not be written: No such file or directory." in ended.err


def test_without_a_terminal_the_log_is_only_removed_with_yes(command: Command, log: Path) -> None:
    assert command("history", "--clear") == (0, "There is no log.\n", "")
    append(log, ENTRY)
    refused = command("history", "--clear")
    assert refused.status == 2
    assert "There is no terminal to ask in; to remove the log, add --yes." in refused.err
    assert read() == (ENTRY,)
    assert command("history", "--clear", "--yes") == (0, f"Removed the log of 1 session, {log}\n", "")
    assert not log.exists()
    assert [*log.parent.iterdir()] == []
    assert not clear()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")
@pytest.mark.parametrize(("answer", "left"), [("y", 0), ("n", 1), ("", 1)])
def test_in_a_terminal_it_asks(log: Path, answer: str, left: int) -> None:
    import os

    append(log, ENTRY)
    ours, theirs = os.openpty()
    os.write(ours, f"{answer}\n".encode())
    ended = subprocess.run(
        [sys.executable, "-m", "voiceroutine", "history", "--clear"],
        stdin=theirs, capture_output=True, text=True, check=False,
    )  # fmt: skip
    os.close(ours)
    os.close(theirs)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"Remove the log of 1 session, {log}? [y/N]: ")
    assert len(read()) == left
