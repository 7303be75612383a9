"""Texts of new routines: one to begin with, a copy of another, or one that is made of chosen exercises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voiceroutine import model
from voiceroutine.beside import check_place, written_beside
from voiceroutine.document import read_document, shown
from voiceroutine.errors import ExportError
from voiceroutine.library import EXERCISES_FILE, bundled_folder
from voiceroutine.loading import library_exercise
from voiceroutine.schema import SCHEMA_ID, schema_of_package
from voiceroutine.writing import value_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from voiceroutine.model import Entries

SCHEMA_NAME = "voiceroutine.schema.json"
SCHEMA_LINE = f"#:schema ./{SCHEMA_NAME}\n"
LONGEST_FILE_NAME = 80

_STARTER = Path(__file__).with_name("new_routine.toml")
_NAME = re.compile(r"[^\W_](?:[\w -]*[^\W_])?")
_NOT_A_FILE = re.compile(r"con|prn|aux|nul|com\d|lpt\d")
_SCHEMA_LINES = re.compile(r"^#:schema[^\n]*(?:\n|\Z)", re.MULTILINE)
_HEADER = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*")
_DOSE = ("hold", "move", "phases", "reps", "sides", "sets", "relax", "switch", "rest", "prepare")


def file_name(name: str) -> str:
    """Return the name of a new routine's file: "My neck" and "my-neck.toml" are both "my-neck.toml".

    Raises:
        ValueError: no file can have that name everywhere; the text says which could.
    """
    words = _name_without_suffix(name)
    stem = "-".join(re.split(r"[\s_-]+", words.lower()))
    if not _NAME.fullmatch(words) or _NOT_A_FILE.fullmatch(stem) or len(stem) > LONGEST_FILE_NAME:
        likely = "-".join(re.findall(r"[^\W_]+", words.lower()))[:LONGEST_FILE_NAME]
        likely = likely if likely and not _NOT_A_FILE.fullmatch(likely) else "my-neck"
        raise ValueError(f'"{shown(name)}" can\'t be the name of a routine; letters, digits and hyphens can: {likely}')
    if f"{stem}.toml" == EXERCISES_FILE:
        raise ValueError(f"{EXERCISES_FILE} is the file of your own exercises; give the routine another name")
    return f"{stem}.toml"


def title_of(name: str) -> str:
    """Return the title that a name stands for: "my-neck" is "My neck"."""
    words = " ".join(re.split(r"[\s_-]+", _name_without_suffix(name)))
    return words[:1].upper() + words[1:]


def _name_without_suffix(name: str) -> str:
    return name.strip().removesuffix(".toml")


def starter(title: str) -> str:
    """Return a short routine with a comment on everything that it uses."""
    return copied(_STARTER, title)


def copied(path: Path, title: str) -> str:
    """Return the text of a routine, comments included, with a title and a reference to the schema of its own.

    Raises:
        RoutineError: the file can't be read, or isn't TOML.
    """
    title_span = read_document(path).spans.get(("title",))
    text = path.read_text(encoding="utf-8-sig")
    header = _header_of(text)
    start, end = title_span or (len(header), len(header))
    line = f"title = {value_text(title)}" + "\n" * (title_span is None)
    return f"{SCHEMA_LINE}{_origin(path)}{_SCHEMA_LINES.sub('', header)}{text[len(header) : start]}{line}{text[end:]}"


def _header_of(text: str) -> str:
    """Return the comments that a file begins with."""
    header = _HEADER.match(text)
    return header[0] if header else ""


def _origin(path: Path) -> str:
    is_bundled = path.parent == bundled_folder("routines")
    return f'# A copy of "{path.stem}", which comes with voiceroutine.\n' if is_bundled else ""


def composed(names: Iterable[str], title: str, library: Entries) -> str:
    """Return a routine of exercises, each followed by its dose in comments.

    Args:
        names: ids of exercises, in the order wanted.
        title: what the routine is called.
        library: for every exercise id its entries, the most important first.

    Raises:
        RoutineError: there is no such exercise.
    """
    steps = [_step(name, library) for name in names]
    note = "# Each exercise has the words and the dose of the library. To change one, take the # from its line.\n"
    return f"{SCHEMA_LINE}{note}title = {value_text(title)}\n{''.join(steps)}"


def _step(name: str, library: Entries) -> str:
    exercise = library_exercise(name, library)
    dose = "".join(f"# {key} = {value_text(value)}\n" for key, value in _dose(library[name]).items())
    return f"\n[[steps]]                         # {exercise.name}\nexercise = {value_text(name)}\n{dose}"


def _dose(entries: Sequence[model.ExerciseEntry]) -> dict[str, Any]:
    """Return the dose that the entries of an exercise have together, as it is written."""
    acting = next((entry for entry in entries if entry.actions()), entries[0])
    written: dict[str, Any] = {}
    for entry in reversed(entries):
        written |= {key: value for key, value in model.written_data(entry).items() if key not in model.ACTIONS}
    written |= {key: value for key, value in model.written_data(acting).items() if key in model.ACTIONS}
    return {key: written[key] for key in _DOSE if key in written}


def check_free(path: Path) -> None:
    """Make sure that no file is lost.

    Raises:
        ExportError: there is a file of that name.
    """
    if path.exists() or path.is_symlink():
        raise ExportError(f"{path} is there already. Choose another name, or replace it with --force.")


def write_draft(path: Path, text: str) -> None:
    """Write a routine, and beside it the schema that its first line names.

    Raises:
        ExportError: a file can't be written.
    """
    schema = path.with_name(SCHEMA_NAME)
    check_place(path)
    try:
        _check_ours(schema)
        _write(path, text)
        _write(schema, schema_of_package())
    except OSError as error:
        raise ExportError(f"{path} can't be written: {error.strerror or error}.") from error


def _check_ours(schema: Path) -> None:
    if schema.exists() and SCHEMA_ID not in schema.read_text(encoding="utf-8", errors="replace"):
        raise ExportError(f"{schema} is there already, and is not voiceroutine's. Move it away, or write elsewhere.")


def _write(path: Path, text: str) -> None:
    with written_beside(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
