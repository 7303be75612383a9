"""Folders of routines and exercises: the user's own before the bundled ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from voiceroutine.document import parse_document, read_document
from voiceroutine.errors import RoutineError
from voiceroutine.library import Library, bundled_folder, default_library, user_folder
from voiceroutine.loading import load_routine
from voiceroutine.routine import Exercise

ROUTINE = 'title = "T"\n[[steps]]\nrest = 1\n'
LISTED = 'see "voiceroutine routines" for those that there are'


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return folder(tmp_path / "own")


@pytest.fixture
def bundled(tmp_path: Path) -> Path:
    return folder(tmp_path / "bundled")


@pytest.fixture
def library(own: Path, bundled: Path) -> Library:
    return Library(folders=(own, bundled))


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def routine(path: Path, name: str) -> Path:
    file = path / f"{name}.toml"
    file.write_text(ROUTINE)
    return file


def entries(path: Path, text: str) -> Path:
    file = path / "exercises.toml"
    file.write_text(text)
    return file


def told(library: Library) -> str:
    with pytest.raises(RoutineError) as caught:
        library.exercises()
    return str(caught.value)


def not_found(library: Library, name: str) -> str:
    with pytest.raises(RoutineError) as caught:
        library.find(name)
    return str(caught.value)


def test_the_users_routine_comes_before_the_bundled_one(library: Library, own: Path, bundled: Path) -> None:
    mine, theirs, other = routine(own, "neck"), routine(bundled, "neck"), routine(bundled, "back")
    assert library.routine_files() == {"back": other, "neck": mine}
    assert library.find("neck") == mine
    assert Library(folders=(bundled, own)).find("neck") == theirs


def test_what_is_no_routine_is_not_listed(library: Library, own: Path) -> None:
    entries(own, "")
    folder(own / "folder.toml")
    routine(own, ".hidden")
    (own / "broken.toml").symlink_to(own / "missing")
    (own / "notes.txt").write_text("")
    assert library.routine_files() == {}


def test_folders_that_are_not_there_are_empty(tmp_path: Path) -> None:
    library = Library(folders=(tmp_path / "missing",))
    assert library.routine_files() == {}
    assert library.exercises() == {}


def test_a_path_is_taken_as_it_is(library: Library, own: Path) -> None:
    assert library.find("missing.toml") == Path("missing.toml")
    assert library.find("some/where") == Path("some/where")
    assert library.find(str(own)) == own


def test_a_file_of_that_name_comes_before_the_library(
    library: Library, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    routine(own, "neck")
    monkeypatch.chdir(tmp_path)
    folder(tmp_path / "neck")
    assert library.find("neck") == own / "neck.toml"
    (tmp_path / "neck").rmdir()
    (tmp_path / "neck").write_text(ROUTINE)
    assert library.find("neck") == Path("neck")


def test_the_nearest_name_is_suggested(library: Library, own: Path) -> None:
    routine(own, "neck-cooldown")
    message = "there is no such file, and no routine of that name"
    assert not_found(library, "neck-coldown") == f'neck-coldown: {message}\n    did you mean "neck-cooldown"?'
    assert not_found(library, "zzz") == f"zzz: {message}\n    {LISTED}"


@pytest.mark.parametrize(
    ("name", "shown"), [("a" * 300, "a" * 40 + "\u2026"), ("a\0b", "a\\x00b"), ("a\x1bb", "a\\x1bb")]
)
def test_a_name_that_no_file_can_have(library: Library, name: str, shown: str) -> None:
    assert not_found(library, name) == f"{shown}: there is no such file, and no routine of that name\n    {LISTED}"


def test_every_entry_of_an_id_is_kept_the_users_first(library: Library, own: Path, bundled: Path) -> None:
    entries(bundled, '[[exercises]]\nid = "tilt"\nname = "Tilt"\nhold = 5\n[[exercises]]\nid = "roll"\nname = "Roll"\n')
    entries(own, '[[exercises]]\nid = "tilt"\nhold = 9\n[[exercises]]\nid = "bow"\nname = "Bow"\n')
    found = library.exercises()
    assert {id_: [entry.hold for entry in listed] for id_, listed in found.items()} == {
        "tilt": [9_000, 5_000],
        "roll": [None],
        "bow": [None],
    }


@pytest.mark.parametrize("text", ["", "# none yet\n", "exercises = []\n"])
def test_a_file_of_no_exercises_is_allowed(library: Library, own: Path, text: str) -> None:
    entries(own, text)
    assert library.exercises() == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[[exercises]]\nid = "a"\nhold = 5\n',
            ':1:1: exercises[0].name: is missing\n    give it a name to be spoken: name = "\u2026"\n'
            "    1 | [[exercises]]\n      | ^^^^^^^^^^^^^",
        ),
        (
            '[[exercises]]\nid = "a"\nname = "A"\nhold = 5\nmove = 5\n',
            ":5:1: exercises[0].move: has both hold and move\n    an exercise has exactly one of hold, move, phases\n"
            "    5 | move = 5\n      | ^^^^^^^^",
        ),
        (
            '[[exercises]]\nid = "a"\nname = "A"\n' * 2,
            ':5:1: exercises[1].id: the id "a" is used twice\n    give each entry an id of its own\n'
            '    5 | id = "a"\n      | ^^^^^^^^',
        ),
        (
            '[[exercises]]\nid = "a"\nname = "A"\ncue = "{sid}"\n',
            ':4:1: exercises[0].cue: unknown placeholder {sid}\n    did you mean "{side}"?\n'
            '    4 | cue = "{sid}"\n      | ^^^^^^^^^^^^^',
        ),
        (
            '[[exercise]]\nid = "a"\n',
            ':1:3: exercise: unknown key "exercise"\n    did you mean "exercises"?\n'
            "    1 | [[exercise]]\n      |   ^^^^^^^^",
        ),
    ],
    ids=["name", "both", "twice", "placeholder", "key"],
)
def test_a_mistake_is_told_where_it_is(library: Library, own: Path, text: str, expected: str) -> None:
    file = entries(own, text)
    assert told(library) == f"{file}{expected}"


def test_every_mistake_is_told_at_once(library: Library, own: Path) -> None:
    file = entries(own, '[[exercises]]\nid = "a"\nnmae = "A"\n[[exercises]]\nid = "b"\nhold = 5\nmove = 5\n')
    assert told(library) == (
        f'{file}:3:1: exercises[0].nmae: unknown key "nmae"\n    did you mean "name"?\n'
        '    3 | nmae = "A"\n      | ^^^^^^^^^^\n'
        f'{file}:4:1: exercises[1].name: is missing\n    give it a name to be spoken: name = "\u2026"\n'
        "    4 | [[exercises]]\n      | ^^^^^^^^^^^^^\n"
        f"{file}:7:1: exercises[1].move: has both hold and move\n"
        "    an exercise has exactly one of hold, move, phases\n"
        "    7 | move = 5\n      | ^^^^^^^^"
    )


def test_the_users_own_come_before_the_bundled_ones() -> None:
    assert default_library().folders == (user_folder(), bundled_folder("routines"))


def test_the_bundled_routines_load() -> None:
    library = Library(folders=(bundled_folder("routines"),))
    exercises = library.exercises()
    assert {"neck-complete", "neck-cooldown"} <= library.routine_files().keys()
    for file in library.routine_files().values():
        assert load_routine(read_document(file), exercises).steps


def test_every_bundled_exercise_makes_a_routine_of_its_own() -> None:
    exercises = Library(folders=(bundled_folder("routines"),)).exercises()
    for name in exercises:
        (step,) = load_routine(parse_document(f'title = "T"\n[[steps]]\nexercise = "{name}"\n'), exercises).steps
        assert isinstance(step, Exercise)
        assert step.name
        assert step.instruction
        assert step.source
