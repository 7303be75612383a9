"""Routines to begin with: what `voiceroutine new` writes, and what it refuses to."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft7Validator

from voiceroutine.drafts import SCHEMA_LINE, SCHEMA_NAME, composed, copied, file_name, title_of
from voiceroutine.library import EXERCISES_FILE, Library, bundled_folder
from voiceroutine.schema import SCHEMA_FILE

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Ended

    Command = Callable[..., Ended]

SCHEMA = SCHEMA_FILE.read_text(encoding="utf-8")
SMALL = 'title = "Small"\n[[steps]]\nname = "Hold"\nhold = "15s"\n'
RETITLED = SMALL.replace('title = "Small"', "{}")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def passes(command: Command, path: Path) -> bool:
    """Tell whether a routine passes the strictest check without a word, and a validator that isn't ours."""
    assert list(Draft7Validator(json.loads(SCHEMA)).iter_errors(tomllib.loads(path.read_text(encoding="utf-8")))) == []
    return command("check", "--strict", str(path)) == (0, "1 routine: no problems.\n", "")


def test_a_routine_to_begin_with_passes_every_check(command: Command, here: Path) -> None:
    ended = command("new", "my-neck")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == (
        "my-neck.toml is written. Open it in any text editor; its comments say what to change.\n"
        "(An editor with a TOML extension completes and checks it by voiceroutine.schema.json, beside it.)\n"
        "\n"
        "voiceroutine check my-neck.toml    every mistake, with its line and a hint\n"
        "voiceroutine play my-neck.toml     aloud\n"
    )
    text = (here / "my-neck.toml").read_text(encoding="utf-8")
    assert text.splitlines()[0] == "#:schema ./voiceroutine.schema.json"
    assert 30 <= len(text.splitlines()) <= 45
    assert tomllib.loads(text)["title"] == "My neck"
    assert passes(command, here / "my-neck.toml")


def test_it_has_what_it_is_to_teach(command: Command, here: Path) -> None:
    command("new", "my-neck")
    text = (here / "my-neck.toml").read_text(encoding="utf-8")
    written = {key for step in tomllib.loads(text)["steps"] for key in step}
    assert {
        "exercise",
        "name",
        "say",
        "rest",
        "hold",
        "move",
        "reps",
        "sides",
        "during",
        "switch",
        "prepare",
    } <= written
    assert text.count("#") >= 12


def test_the_schema_stands_where_the_first_line_says(command: Command, here: Path) -> None:
    command("new", "my-neck")
    assert sorted(file.name for file in here.iterdir()) == ["my-neck.toml", SCHEMA_NAME]
    assert (here / SCHEMA_NAME).read_text(encoding="utf-8") == SCHEMA


def test_an_older_schema_is_replaced_and_a_strangers_is_not(command: Command, here: Path) -> None:
    (here / SCHEMA_NAME).write_text('{"$id": "urn:voiceroutine:format:1", "title": "older"}')
    assert command("new", "one").status == 0
    assert (here / SCHEMA_NAME).read_text(encoding="utf-8") == SCHEMA
    (here / SCHEMA_NAME).write_text("{}")
    ended = command("new", "two")
    message = (
        "voiceroutine.schema.json is there already, and is not voiceroutine's. Move it away, or write elsewhere.\n"
    )
    assert (ended.status, ended.err) == (6, message)
    assert not (here / "two.toml").exists()


def test_nothing_is_overwritten_unless_asked(command: Command, here: Path) -> None:
    (here / "my-neck.toml").write_text("mine")
    ended = command("new", "my-neck")
    message = "my-neck.toml is there already. Choose another name, or replace it with --force.\n"
    assert (ended.status, ended.out, ended.err) == (6, "", message)
    assert (here / "my-neck.toml").read_text() == "mine"
    assert command("new", "my-neck", "--force").status == 0
    assert passes(command, here / "my-neck.toml")


@pytest.mark.parametrize("given", ["away", "away/other.toml"])
def test_it_is_written_where_one_wants_it(command: Command, here: Path, given: str) -> None:
    (here / "away").mkdir()
    assert command("new", "my-neck", "-o", given).status == 0
    path = Path(given) if given.endswith(".toml") else Path(given) / "my-neck.toml"
    assert passes(command, path)
    assert (here / "away" / SCHEMA_NAME).is_file()


def test_a_place_that_can_not_be(command: Command) -> None:
    ended = command("new", "my-neck", "-o", "nowhere/a.toml")
    assert (ended.status, ended.err) == (6, "The folder nowhere is not there; make it first.\n")
    ended = command("new", "my-neck", "-o", "a.txt")
    assert ended.status == 2
    assert ended.err.endswith("Error: a.txt is neither a folder nor ends in .toml.\n")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser writes everywhere")
def test_a_folder_that_is_read_only(command: Command, here: Path) -> None:
    here.chmod(0o500)
    ended = command("new", "my-neck")
    here.chmod(0o700)
    assert (ended.status, ended.err) == (6, "my-neck.toml can't be written: Permission denied.\n")


@pytest.mark.parametrize(
    ("name", "file", "title"),
    [
        ("my-neck", "my-neck.toml", "My neck"),
        ("my-neck.toml", "my-neck.toml", "My neck"),
        ("My Neck", "my-neck.toml", "My Neck"),
        ("after_work 2", "after-work-2.toml", "After work 2"),
        (" a -- b ", "a-b.toml", "A b"),
        ("Übung am Abend", "übung-am-abend.toml", "Übung am Abend"),
        ("首のストレッチ", "首のストレッチ.toml", "首のストレッチ"),
    ],
)
def test_a_name_becomes_a_file_and_a_title(name: str, file: str, title: str) -> None:
    assert (file_name(name), title_of(name)) == (file, title)


@pytest.mark.parametrize(
    ("name", "likely"),
    [
        ("../x", "x"),
        ("a/b", "a-b"),
        ("c:\\neck", "c-neck"),
        ("-neck", "neck"),
        (".hidden", "hidden"),
        ("what?", "what"),
        ("", "my-neck"),
        ("…", "my-neck"),
        ("con", "my-neck"),
        ("a" * 81, "a" * 80),
    ],
)
def test_a_name_that_no_file_should_have(name: str, likely: str) -> None:
    with pytest.raises(
        ValueError, match=r"can't be the name of a routine; letters, digits and hyphens can: "
    ) as caught:
        file_name(name)
    assert str(caught.value).endswith(f": {likely}")


def test_odd_names_end_with_usage(command: Command, here: Path) -> None:
    ended = command("new", "a/b")
    assert ended.status == 2
    message = 'Error: "a/b" can\'t be the name of a routine; letters, digits and hyphens can: a-b.\n'
    assert ended.err.endswith(message)
    message = "Error: exercises.toml is the file of your own exercises; give the routine another name.\n"
    assert command("new", "exercises").err.endswith(message)
    assert [*here.iterdir()] == []


def test_a_copy_of_a_bundled_routine_has_its_comments_and_says_where_it_is_from(command: Command, here: Path) -> None:
    assert command("new", "desk-break", "--from", "neck-cooldown").status == 0
    text = (here / "desk-break.toml").read_text(encoding="utf-8")
    bundled = (bundled_folder("routines") / "neck-cooldown.toml").read_text(encoding="utf-8")
    added = f'{SCHEMA_LINE}# A copy of "neck-cooldown", which comes with voiceroutine.\n'
    assert text.removeprefix(added) == bundled.replace('title = "Neck cool-down"', 'title = "Desk break"')
    assert passes(command, here / "desk-break.toml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"# Mine.\n{SMALL}# end", f"# Mine.\n{RETITLED}# end"),
        (f"#:schema /old/place.json\n# Mine.\n{SMALL}", f"# Mine.\n{RETITLED}"),
        ('format = 1\n"title" = \'Old\' # old\nauthor = "title = 3"\n', 'format = 1\n{} # old\nauthor = "title = 3"\n'),
        ('title = """\nOld\n"one" """\nsteps = []\n', "{}\nsteps = []\n"),
        ("title = 3\n", "{}\n"),
        ("# Mine.\n[[steps]]\ntitle = 'Block'\nsteps = []\n", "# Mine.\n{}\n[[steps]]\ntitle = 'Block'\nsteps = []\n"),
        ('title = "Old"\r\nsummary = "S"\r\n', '{}\nsummary = "S"\n'),
        ('\ufefftitle = "Old"\n', "{}\n"),
    ],
    ids=["comments", "schema", "quoted key", "long text", "no text", "no title", "windows", "byte order mark"],
)
def test_a_copy_changes_the_title_and_the_schema_alone(here: Path, text: str, expected: str) -> None:
    (here / "old.toml").write_bytes(text.encode())
    assert copied(here / "old.toml", "New") == SCHEMA_LINE + expected.format('title = "New"')


def test_a_copy_of_a_copy_has_one_schema(here: Path) -> None:
    (here / "one.toml").write_text(copied(bundled_folder("routines") / "neck-cooldown.toml", "One"), encoding="utf-8")
    assert copied(here / "one.toml", "Two").count("#:schema") == 1


def test_what_can_not_be_copied(command: Command, here: Path) -> None:
    ended = command("new", "mine", "--from", "neck-coldown")
    assert (ended.status, ended.err.splitlines()[1]) == (3, '    did you mean "neck-cooldown"?')
    (here / "broken.toml").write_text("title = T\n")
    ended = command("new", "mine", "--from", "broken.toml")
    assert ended.status == 3
    assert ended.err.startswith("broken.toml:1:9: not valid TOML: there is no value that TOML knows\n")
    assert not (here / "mine.toml").exists()


def test_a_routine_of_chosen_exercises(command: Command, here: Path) -> None:
    assert command("new", "evening", "-e", "neck-tilt,shoulder-roll", "--exercise", "chin-tuck").status == 0
    routine = tomllib.loads((here / "evening.toml").read_text(encoding="utf-8"))
    steps = [{"exercise": name} for name in ("neck-tilt", "shoulder-roll", "chin-tuck")]
    assert routine == {"title": "Evening", "steps": steps}
    assert passes(command, here / "evening.toml")


def test_its_dose_stands_below_each_exercise(here: Path) -> None:
    (here / EXERCISES_FILE).write_text(
        '[[exercises]]\nid = "tilt"\nname = "Tilt"\nhold = 7.5\nsides = ["up", "down"]\nreps = 2\n'
        '[[exercises]]\nid = "roll"\nname = "Roll"\nphases = [{ say = "lift", lasts = 90 }]\nrelax = "0s"\n'
    )
    (here / "own").mkdir()
    (here / "own" / EXERCISES_FILE).write_text('[[exercises]]\nid = "tilt"\nreps = 3\nmove = "1m"\n')
    library = Library(folders=(here / "own", here)).exercises()
    assert composed(["tilt", "roll"], "T", library) == (
        f"{SCHEMA_LINE}"
        "# Each exercise has the words and the dose of the library. To change one, take the # from its line.\n"
        'title = "T"\n'
        "\n[[steps]]                         # Tilt\n"
        'exercise = "tilt"\n# move = "1m"\n# reps = 3\n# sides = ["up", "down"]\n'
        "\n[[steps]]                         # Roll\n"
        'exercise = "roll"\n# phases = [{ say = "lift", lasts = "1m30s" }]\n# relax = "0s"\n'
    )


@pytest.mark.parametrize("name", Library(folders=(bundled_folder("routines"),)).exercises())
def test_a_dose_whose_comments_are_taken_away_is_the_librarys(name: str) -> None:
    library = Library(folders=(bundled_folder("routines"),)).exercises()
    lines = composed([name], "T", library).splitlines()
    (step,) = tomllib.loads("\n".join(line.removeprefix("# ") if "=" in line else line for line in lines[2:]))["steps"]
    entries = tomllib.loads((bundled_folder("routines") / EXERCISES_FILE).read_text(encoding="utf-8"))["exercises"]
    (entry,) = (entry for entry in entries if entry["id"] == name)
    assert step.pop("exercise") == name
    assert step == {key: entry[key] for key in step}
    assert set(entry) - set(step) <= {
        "id",
        "name",
        "instruction",
        "cue",
        "caution",
        "needs",
        "muscles",
        "source",
        "figure",
        "breath",
        "cues",
    }


def test_an_unknown_exercise_has_a_hint(command: Command, here: Path) -> None:
    ended = command("new", "evening", "-e", "chin-tuck,nek-tilt")
    message = 'exercises: there is no exercise "nek-tilt"\n    did you mean "neck-tilt"?\n'
    assert (ended.status, ended.err) == (3, message)
    assert [*here.iterdir()] == []


def test_a_copy_and_chosen_exercises_exclude_each_other(command: Command) -> None:
    ended = command("new", "evening", "-e", "chin-tuck", "--from", "neck-cooldown")
    assert ended.status == 2
    assert ended.err.endswith("Error: --from and --exercise exclude each other; take one of them.\n")
