"""A routine as one listener wants it, from flags and from the table [me]."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from timetable import hold, in_phases, routine_of

from voiceroutine.errors import SettingError
from voiceroutine.personal import held, sided, without_never
from voiceroutine.production import Production, Wishes, load
from voiceroutine.settings import me, settings_file
from voiceroutine.wishes import file_stem

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Ended

    Command = Callable[..., Ended]


@pytest.fixture
def written(own_folders: Path) -> Callable[[str], Path]:
    """Write the user's file of settings."""

    def write(text: str) -> Path:
        file = settings_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return write


def shown(command: Command, *arguments: str) -> dict[str, Any]:
    ended = command("show", *arguments, "--json", "--estimate")
    assert (ended.status, ended.err) == (0, "")
    data: dict[str, Any] = json.loads(ended.out)
    return data


def exercises(data: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(one["exercise"] for one in data["intervals"] if one["exercise"]))


def texts(data: dict[str, Any]) -> list[str]:
    return [change["text"] for change in data["changes"]]


# Which side comes first


def test_the_wished_side_comes_first_wherever_there_are_both() -> None:
    def sides(*written: str, first: Any) -> tuple[str, ...]:
        return next(sided(routine_of(hold(sides=written)), first).exercises()).sides

    assert sides("right", "left", first="left") == ("left", "right")
    assert sides("right", "left", first="right") == ("right", "left")
    assert sides("forward", "backward", "left", "right", first="right") == ("forward", "backward", "right", "left")
    assert sides("Right hand", "Left hand", first="left") == ("Left hand", "Right hand")
    assert sides("up", "down", first="left") == ("up", "down")
    assert sides("right", first="left") == ("right",)
    assert sides(first="left") == ()


def test_left_first_is_done_and_said_in_any_language(command: Command) -> None:
    for language, left, right in (("en", "left", "right"), ("de", "links", "rechts")):
        data = shown(command, "neck-cooldown", "--side-first", "left", "--language", language)
        works = [one["side"] for one in data["intervals"] if one["kind"] == "work" and one["side"]]
        assert works == [left, right] * (len(works) // 2)


def test_no_bundled_sentence_names_a_first_side() -> None:
    for name in ("evening-unwind", "neck-cooldown", "rest-day", "after-lifting"):
        for text in (text for step in load(name).steps if (text := getattr(step, "text", None))):
            assert "right" not in text.lower()
            assert "left" not in text.lower()


# How long stretches are held


def test_holds_of_stretches_change_and_what_does_not_is_told() -> None:
    routine = routine_of(
        hold(30_000, name="Lean", sides=("right", "left"), min_ms=10_000, max_ms=60_000),
        hold(20_000, name="Fold", min_ms=10_000, max_ms=60_000),
        hold(5_000, name="Tuck", reps=5),
        hold(6_000, name="Neck isometrics", sides=("forward", "backward", "left", "right")),
        in_phases(("up", 2_000), name="Roll", reps=4),
    )
    found = held(routine, 20_000)
    assert [step.rep_ms for step in found.exercises()] == [20_000, 20_000, 5_000, 6_000, 2_000]
    assert [change.text for change in found.changes] == [
        "Lean: hold 30 s → 20 s",
        "As it was, having no single hold of a stretch: Tuck, Neck isometrics, Roll",
    ]


def test_a_wished_hold_is_not_fitted_away(command: Command) -> None:
    data = shown(command, "after-lifting", "--hold", "20", "--minutes", "6")
    holds = {
        one["exercise"]: one["end_ms"] - one["start_ms"]
        for one in data["intervals"]
        if one["kind"] == "work" and one["exercise"] in {"doorway-chest-stretch", "upper-trapezius-stretch"}
    }
    assert set(holds.values()) == {20_000}
    assert command("show", "--hold", "0s").status == 2
    assert command("show", "--hold", "long").status == 2


# What is never wanted


def test_what_is_never_wanted_is_left_out_and_told(command: Command, written: Callable[[str], Path]) -> None:
    assert "neck-massage" in exercises(shown(command, "neck-cooldown"))
    written('[me]\nnever = ["neck-massage", "Neck Tilt", "burpees"]\n')
    data = shown(command, "neck-cooldown")
    assert {"neck-massage", "neck-tilt"} & {*exercises(data)} == set()
    assert texts(data) == [
        "Neck tilt left out (never wanted; --only would do it)",
        "Neck massage left out (never wanted; --only would do it)",
    ]
    asked = shown(command, "neck-cooldown", "--only", "neck-massage")
    assert (exercises(asked), texts(asked)) == (["neck-massage"], [])
    assert texts(shown(command, "desk-reset", "--minutes", "2"))[0].startswith("Neck tilt left out (never wanted")


def test_nothing_left_to_do_is_an_error() -> None:
    with pytest.raises(SettingError) as caught:
        without_never(load("chin-tuck-habit"), ["chin tuck"])
    assert str(caught.value) == (
        'There is nothing left to do: your settings never want any exercise of "Chin tuck habit"; '
        "with --only NAME one of them is done all the same."
    )


# The table [me]


def test_the_table_gives_defaults_that_flags_go_before(command: Command, written: Callable[[str], Path]) -> None:
    usual = shown(command, "neck-cooldown")
    flagged = shown(command, "neck-cooldown", "--side-first", "left", "--pace", "0.8")
    written('[me]\nvoice = "silent"\nside_first = "left"\npace = 0.8\n')
    assert shown(command, "neck-cooldown") == flagged != usual
    assert shown(command, "neck-cooldown", "--side-first", "right", "--pace", "1") == usual
    assert json.loads(command("show", "neck-cooldown", "--json").out)["voice"] == "silent"
    written('voice = "espeak"\n[me]\nvoice = "silent"\n')
    assert json.loads(command("show", "chin-tuck-habit", "--json").out)["voice"] == "espeak"


def test_every_mistake_of_the_table_is_told_at_its_place(command: Command, written: Callable[[str], Path]) -> None:
    file = written('[me]\nnever = "neck-roll"\nside_first = "up"\npace = 3\nvoice = ""\nnevr = []\n')
    ended = command("show", "neck-cooldown")
    assert (ended.status, ended.out) == (2, "")
    assert (
        ended.err
        == f"""\
{file}:2:1: me.never: must be a list of exercises, like ["neck-roll-full"]
    "voiceroutine exercises" lists them
    2 | never = "neck-roll"
      | ^^^^^^^^^^^^^^^^^^^
{file}:3:1: me.side_first: must be "left" or "right"
    3 | side_first = "up"
      | ^^^^^^^^^^^^^^^^^
{file}:4:1: me.pace: must be a number from 0.5 to 2
    0.8 is slower, 1 is as written
    4 | pace = 3
      | ^^^^^^^^
{file}:5:1: me.voice: is empty
    write a value, or take the line out
    5 | voice = ""
      | ^^^^^^^^^^
{file}:6:1: me.nevr: unknown key "nevr"
    did you mean "never"?
    6 | nevr = []
      | ^^^^^^^^^
"""
    )


def test_a_table_that_is_none_is_told(command: Command, written: Callable[[str], Path]) -> None:
    file = written('me = "Ada"\n')
    assert command("show").err.startswith(
        f'{file}:1:1: me: must be a table\n    write [me] on a line of its own, and never = ["…"] below it\n'
    )


def test_config_lists_the_table(command: Command, written: Callable[[str], Path]) -> None:
    written('rate = 140\n[me]\nnever = ["neck-roll-full", "neck-roll"]\npace = 0.9\n')
    lines = command("config").out.splitlines()
    assert lines[8:10] == [
        "never      neck-roll-full, neck-roll config.toml, [me]",
        "pace       0.9                   config.toml, [me]",
    ]
    assert json.loads(command("config", "--json").out)["me"] == {"never": ["neck-roll-full", "neck-roll"], "pace": 0.9}
    assert me().never == ("neck-roll-full", "neck-roll")


def test_config_tells_what_is_never_wanted_and_not_known(command: Command, written: Callable[[str], Path]) -> None:
    written('[me]\nnever = ["nek-tilt", "Kinn zur Brust", "Chin To Chest", "burpees"]\n')
    assert command("config").out.splitlines()[9:11] == [
        '           "nek-tilt" is no exercise of the library; did you mean "neck-tilt"?',
        '           "burpees" is no exercise of the library; see "voiceroutine exercises"',
    ]


# What was chosen


def test_what_was_chosen_is_told_in_few_words() -> None:
    wishes = Wishes(
        length_ms=390_000, pace=0.8, side_first="left", hold_ms=20_000, only=("neck-tilt", "chin-tuck"),
        profile="quiet", settled=frozenset({"profile"}),
    )  # fmt: skip
    assert wishes.chosen() == (
        "6 min 30 s", "slower (80 %)", "left first", "holds of 20s", "only neck-tilt, chin-tuck",
    )  # fmt: skip
    assert Wishes().chosen() == ()
    assert Wishes(length_ms=360_000).chosen() == ("6 min",)
    assert Wishes(pace=1.5, paces_work=True, language="de").chosen() == ("faster (150 %, work too)", "de")
    assert load("neck-cooldown", Wishes(length_ms=360_000)).chosen == ("6 min",)


def test_what_was_chosen_makes_the_name_of_a_file() -> None:
    assert file_stem("neck-cooldown", ()) == "neck-cooldown"
    assert file_stem("neck-cooldown", ("6 min",)) == "neck-cooldown-6min"
    assert file_stem("neck-cooldown", ("6 min 30 s", "slower (80 %)")) == "neck-cooldown-6min-30s-slower-80"
    assert file_stem("neck-cooldown", ("left first", "from Chin tuck")) == "neck-cooldown-left-first-from-chin-tuck"
    assert file_stem("x", ("only ../../etc/passwd", "…")) == "x-only-etc-passwd"


def test_everything_combines(command: Command) -> None:
    flags = ("--minutes", "6", "--pace", "0.9", "--side-first", "left", "--skip", "chin-tuck", "--hold", "25s",
             "--profile", "quiet")  # fmt: skip
    data = shown(command, "neck-complete", *flags)
    assert abs(data["duration_ms"] - 360_000) <= 7_200
    assert "chin-tuck" not in exercises(data)
    [right, left] = [
        [one["side"] for one in data["intervals"] if one["kind"] == "work"].count(x) for x in ("right", "left")
    ]
    assert right == left


def test_a_production_keeps_what_was_chosen() -> None:
    routine = load("neck-cooldown", Wishes(length_ms=360_000, side_first="left"))
    found = Production(routine).fitted(360_000, is_estimated=True).routine
    assert (found.chosen, found.fitted_ms) == (("6 min", "left first"), 360_000)
