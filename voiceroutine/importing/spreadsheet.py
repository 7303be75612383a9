"""Tables of exercises, as spreadsheets export them: a line for each exercise, the first line names the columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from voiceroutine.document import shown
from voiceroutine.errors import Location, Problem, RoutineError, did_you_mean
from voiceroutine.importing import Imported, refusal, title_of
from voiceroutine.loading import library_exercise
from voiceroutine.model import MOST_STEPS
from voiceroutine.units import duration_text, parse_duration

if TYPE_CHECKING:
    from voiceroutine.model import Entries
    from voiceroutine.routine import Exercise

    Step = dict[str, Any]
    _Line = tuple[int, list[str]]

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "name": ("name", "exercise", "stretch", "title"),
    "seconds": ("seconds", "secs", "sec", "s", "time", "duration", "length", "hold", "minutes", "min"),
    "side": ("side", "sides"),
    "sets": ("sets", "set", "rounds"),
    "reps": ("reps", "rep", "repetitions", "repeats"),
    "rest": ("rest", "pause", "break"),
    "instruction": ("instruction", "instructions", "description", "notes", "note", "how", "how to"),
    "id": ("id",),
}
_KEYS = {word: key for key, words in COLUMNS.items() for word in words}
MOST_COLUMNS = 200
_DELIMITERS = ",;\t|"
_SIDES = {
    "none": ("none", "no", "-", "\u2013", "\u2014", "n/a", "center", "centre", "middle"),
    "each": ("each", "both", "each side", "both sides", "per side", "right/left", "r/l", "right and left"),
    "left first": ("left/right", "l/r", "left and right"),
    "alternate": ("alternate", "alternating", "alt"),
    "left": ("left", "l"),
    "right": ("right", "r"),
}
_SIDE_WORDS = {word: side for side, words in _SIDES.items() for word in words}
_RESTS = ("rest", "pause", "break")
_UNITS = ((r"hours?|hrs?|h", "h"), (r"minutes?|mins?|m|'(?!')|\u2032", "m"), (r"seconds?|secs?|s|\"|''|\u2033", "s"))
_HEADER_HINT = "the first line names the columns, like: name,seconds,side,sets"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    key: str
    header: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One line of the table: the texts of its cells by column, none of them empty.

    `surplus` is how many cells it has if they are more than the columns, else 0.
    """

    place: Location
    cells: Mapping[str, str]
    headers: Mapping[str, _Column]
    surplus: int = 0
    columns: int = 0

    def where(self, key: str = "") -> Location:
        """Return the place of a cell, by the name that the table has for its column."""
        return replace(self.place, path=shown(self.headers[key].header if key in self.headers else key))

    def twin_of(self, other: _Row) -> bool:
        """Tell whether the rows are the same exercise on the left and on the right."""
        sides = {_SIDE_WORDS.get(row.cells.get("side", "").casefold()) for row in (self, other)}
        mine, others = ({**row.cells, "side": "", "name": _plain(row.cells.get("name"))} for row in (self, other))
        return sides == {"left", "right"} and mine == others


def read_csv(data: bytes, file: str, library: Entries) -> Imported:
    """Read a table of exercises.

    Args:
        data: the file; UTF-8, UTF-16 with a mark, or else Windows-1252.
        file: its name, for messages and the title.
        library: the exercises that a name may mean.

    Raises:
        RoutineError: with every problem of the table.
    """
    text, notes = _decoded(data, file)
    rows, more_notes = _table(text, file)
    reader = _Reader(library)
    reader.read(_paired(rows))
    if reader.problems:
        raise refusal(reader.problems)
    if not reader.steps:
        raise refusal([Problem(where=Location(file=file), message="has no exercises", hint=_HEADER_HINT)])
    return Imported(
        data={"title": title_of(file), "steps": reader.steps},
        notes=(*notes, *more_notes, *reader.notes),
        origins={f"steps[{index}]": where for index, where in enumerate(reader.origins)},
    )


def _place(file: str, line: int) -> Location:
    """Return the place of a whole line; which column a cell begins in isn't known."""
    return Location(file=f"{file}:{line}")


def _decoded(data: bytes, file: str) -> tuple[str, list[Problem]]:
    where = Location(file=file)
    encodings = ["utf-16"] if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            message = "isn't UTF-8 and was read as Windows-1252, as Excel saves it; check letters with accents"
            is_guess = encoding == "cp1252"
            return text, [Problem(where=where, message=message, severity="note")] if is_guess else []
    hint = 'a table is text: export it from the spreadsheet as "CSV UTF-8"'
    raise RoutineError([Problem(where=where, message="is not a text file", hint=hint)])


def _table(text: str, file: str) -> tuple[list[_Row], list[Problem]]:
    lines = _lines(text, file)
    if not lines:
        raise RoutineError([Problem(where=Location(file=file), message="there is nothing in it", hint=_HEADER_HINT)])
    header_line, header = lines[0]
    columns = [_column(cell) for cell in header]
    headers = {column.key: column for column in columns if column.key}
    problems = [*_header_problems(columns, file, header_line)]
    if problems:
        raise refusal(problems)
    rows = [_row(_place(file, line), headers, columns, cells) for line, cells in lines[1:]]
    return rows, [*_unknown_columns(columns, lines, file)]


def _row(place: Location, headers: Mapping[str, _Column], columns: Sequence[_Column], cells: Sequence[str]) -> _Row:
    named = {column.key: cell for column, cell in zip(columns, cells, strict=False) if cell and column.key}
    surplus = len(cells) if any(cells[len(columns) :]) else 0
    return _Row(place=place, cells=named, headers=headers, surplus=surplus, columns=len(columns))


def _unknown_columns(columns: Sequence[_Column], lines: Sequence[_Line], file: str) -> Iterator[Problem]:
    for index, column in enumerate(columns):
        is_used = any(cells[index : index + 1] != [""] for _, cells in lines[1:] if len(cells) > index)
        if not column.key and is_used:
            title = f'the column "{column.header}"' if column.header else f"column {index + 1}, which has no name,"
            message = shown(f"{title} has no counterpart; it was left out")
            yield Problem(where=_place(file, lines[0][0]), message=message, severity="note")


def _header_problems(columns: Sequence[_Column], file: str, line: int) -> Iterator[Problem]:
    keys = [column.key for column in columns]
    where = _place(file, line)
    for key in dict.fromkeys(filter(None, keys)):
        if keys.count(key) > 1:
            same = " and ".join(f'"{column.header}"' for column in columns if column.key == key)
            yield Problem(where=where, message=shown(f"{same} mean the same column"), hint="keep one of them")
    if "name" not in keys and "id" not in keys:
        found = ", ".join(f'"{column.header}"' for column in columns[:8])
        yield Problem(where=where, message=shown(f'there is no column "name", only {found}'), hint=_HEADER_HINT)


def _lines(text: str, file: str) -> list[_Line]:
    """Return the lines that aren't blank, with their numbers."""
    announced = re.match(r"sep=(.)\r?\n", text)
    first = text[announced.end() if announced else 0 :].lstrip().split("\n", 1)[0]
    delimiter = announced[1] if announced else max(_DELIMITERS, key=lambda mark: _known_columns(first[:2_000], mark))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    found: list[_Line] = []
    line = 1
    try:
        for cells in reader:
            stripped = [" ".join(cell.split()) for cell in cells]
            if any(stripped) and not (announced and line == 1):
                found.append((line, stripped))
            if len(found) > MOST_STEPS + 1 or len(cells) > MOST_COLUMNS:
                raise refusal([_too_large(file)])
            line = reader.line_num + 1
    except csv.Error as error:
        raise RoutineError([_csv_problem(file, line, str(error))]) from None
    return found


def _too_large(file: str) -> Problem:
    message = f"has more than {MOST_STEPS:,} exercises, or {MOST_COLUMNS} columns"
    return Problem(where=Location(file=file), message=message, hint="is this the right file? Or make several of it")


def _csv_problem(file: str, line: int, said: str) -> Problem:
    hint = 'a text between quotes ends with one; a quote inside it is written twice: ""'
    message = "a cell has no closing quote" if "end of data" in said else "a quote stands in the wrong place"
    if "field larger" in said:
        message, hint = "a cell is too long", hint.replace("a text", "is a quote missing? A text")
    return Problem(where=_place(file, line), message=message, hint=hint)


def _known_columns(header: str, delimiter: str) -> int:
    return sum(bool(_column(cell.strip(' "\r')).key) for cell in header.split(delimiter))


def _column(header: str) -> _Column:
    word = re.sub(r"[(\[].*", "", header).replace("_", " ").strip().casefold()
    in_minutes = word in {"minutes", "min"} or re.search(r"[(\[]\s*min", header.casefold())
    return _Column(key=_KEYS.get(word, ""), header=header, unit="m" if in_minutes else "s")


def _paired(rows: Sequence[_Row]) -> Iterator[_Row]:
    """Make one row of a left and a right one that follow each other and are the same otherwise."""
    is_second = False
    for row, following in pairwise([*rows, None]):
        if row is None or is_second:
            is_second = False
            continue
        is_second = following is not None and row.twin_of(following)
        is_left_first = _SIDE_WORDS.get(row.cells.get("side", "").casefold()) == "left"
        both = "left/right" if is_left_first else "each"
        yield replace(row, cells={**row.cells, "side": both}) if is_second else row


class _Reader:
    """Turns rows into steps, and collects every problem on the way."""

    def __init__(self, library: Entries) -> None:
        self._library = library
        self._ids = {_plain(entry.name): name for name, entries in library.items() for entry in entries if entry.name}
        self.steps: list[Step] = []
        self.origins: list[Location] = []
        self.notes: list[Problem] = []
        self.problems: list[Problem] = []

    def read(self, rows: Iterator[_Row]) -> None:
        for row in rows:
            if row.surplus:
                message = f"has {row.surplus} cells, but there are {row.columns} columns"
                self._report(row.where(), message, "put a text that has the separator in it between quotes")
            if _plain(row.cells.get("name", "")) in _RESTS and not row.cells.keys() & {"side", "sets", "reps", "id"}:
                self._rest(row)
            else:
                self._exercise(row)
        self._drop_last_rest()

    def _drop_last_rest(self) -> None:
        is_of_a_cell = bool(self.steps) and "rest" in self.steps[-1] and bool(self.origins[-1].path)
        if is_of_a_cell and len(self.steps[-1]) == 1:
            self.steps.pop()
            self._note(self.origins.pop(), "nothing follows the last exercise, so its rest was left out")

    def _note(self, where: Location, message: str, hint: str = "") -> None:
        self.notes.append(Problem(where=where, message=shown(message), hint=shown(hint), severity="note"))

    def _report(self, where: Location, message: str, hint: str = "") -> None:
        self.problems.append(Problem(where=where, message=shown(message), hint=shown(hint)))

    def _add(self, step: Step, where: Location) -> None:
        self.steps.append(step)
        self.origins.append(where)

    def _rest(self, row: _Row) -> None:
        lasts_ms = self._length(row, "seconds") or self._length(row, "rest")
        if lasts_ms is None:
            self._report(row.where(), "this rest has no length", "write its seconds, like 30")
            return
        words = {"say": row.cells["instruction"]} if "instruction" in row.cells else {}
        self._add({"rest": duration_text(lasts_ms), **words}, row.where())

    def _exercise(self, row: _Row) -> None:
        known = self._known(row)
        name = row.cells.get("name")
        if known is None and name is None:
            if "id" not in row.cells:
                self._report(row.where(), "has no name", "write what the exercise is called")
            return
        step: Step = {"exercise": known.exercise} if known else {"name": name}
        if known and name and "id" in row.cells:
            step["name"] = name
        if "instruction" in row.cells:
            step["instruction"] = row.cells["instruction"]
        step |= self._dose(row, known)
        step |= self._sides(row, known, step)
        rest_ms = self._length(row, "rest")
        is_in_sets = step.get("sets", known.sets if known else 1) > 1
        if rest_ms is not None and is_in_sets:
            step["rest"] = duration_text(rest_ms)
        self._add(step, row.where())
        if rest_ms is not None and not is_in_sets:
            self._add({"rest": duration_text(rest_ms)}, row.where("rest"))

    def _known(self, row: _Row) -> Exercise | None:
        written = row.cells.get("id")
        name = written if written is not None else row.cells.get("name", "")
        exercise_id = name.casefold() if name.casefold() in self._library else self._ids.get(_plain(name))
        if exercise_id is None:
            if written is not None:
                hint = did_you_mean(written, self._library) or 'see "voiceroutine exercises" for those that there are'
                self._report(row.where("id"), f'there is no exercise "{written}"', hint)
            return None
        try:
            return library_exercise(exercise_id, self._library)
        except RoutineError:
            return None

    def _dose(self, row: _Row, known: Exercise | None) -> Step:
        lasts_ms = self._length(row, "seconds")
        reps, sets = self._count(row, "reps"), self._count(row, "sets")
        dose: Step = {}
        if lasts_ms is None and known is None and "seconds" not in row.cells:
            name = row.cells.get("name", "")
            self._report(row.where("seconds"), "is missing", f'"{name}" is not in the library: write seconds, like 30')
        if lasts_ms is not None:
            dose["hold" if known is None or known.action == "hold" else "move"] = duration_text(lasts_ms)
            if known is not None and known.reps > 1 and reps is None:
                reps = 1
                message = f"one rep of {duration_text(lasts_ms)}; the library's are {known.reps} of"
                self._note(row.where(), f"{message} {duration_text(known.rep_ms)}", "more are written as reps")
        dose |= {"reps": reps} if reps is not None and (reps > 1 or known) else {}
        return dose | ({"sets": sets} if sets is not None and (sets > 1 or known) else {})

    def _sides(self, row: _Row, known: Exercise | None, step: Step) -> Step:
        if "side" not in row.cells:
            return {}
        side = _SIDE_WORDS.get(row.cells["side"].casefold())
        if side is None:
            hint = "write none, each, left, right or alternate"
            self._report(row.where("side"), f'"{row.cells["side"]}" is not a side', hint)
            return {}
        if side in {"each", "alternate"}:
            return {"sides": side}
        if side == "left first":
            return {"sides": ["left", "right"]}
        if side in {"left", "right"}:
            return {**_one_sided(known, side, step), "sides": [side]}
        return self._without_sides(row, known, step) if known else {}

    def _without_sides(self, row: _Row, known: Exercise, step: Step) -> Step:
        spoken = [text for text in _texts(known, step).values() if "side}" in text]
        if not spoken:
            return {"sides": "none"} if known.sides else {}
        step.pop("exercise")
        message = f'the library\'s "{known.name}" is for each side; only its name was kept'
        self._note(row.where("side"), message, "write side each, left or right to have its words")
        lasts: Step = {} if step.keys() & {"hold", "move"} else {known.action: duration_text(known.rep_ms)}
        return {"name": known.name, **lasts}

    def _length(self, row: _Row, key: str) -> int | None:
        if key not in row.cells:
            return None
        try:
            return _length_ms(row.cells[key], row.headers[key].unit)
        except ValueError as error:
            said = str(error).partition("; ")[0]
            self._report(row.where(key), said, "write seconds like 30, or 1:30, or 1m30s")
            return None

    def _count(self, row: _Row, key: str) -> int | None:
        if key not in row.cells:
            return None
        match = re.fullmatch(r"[x\u00d7]?\s*(\d{1,4})(?:[.,]0+)?\s*[x\u00d7]?", row.cells[key].casefold(), re.ASCII)
        if match is None or not 1 <= int(match[1]) <= 1000:
            self._report(row.where(key), f'"{row.cells[key]}" is not a number of {key}', "write a whole number, like 3")
            return None
        return int(match[1])


def _plain(text: str | None) -> str:
    return " ".join(re.findall(r"\w+", (text or "").casefold()))


def _texts(known: Exercise, step: Mapping[str, Any]) -> dict[str, str]:
    texts = {"instruction": known.instruction, "cue": known.cue, "caution": known.caution}
    texts |= {f"phase {index}": phase.say for index, phase in enumerate(known.phases)} if "move" not in step else {}
    return {key: text for key, text in texts.items() if text and key not in step}


def _one_sided(known: Exercise | None, side: str, step: Mapping[str, Any]) -> Step:
    """Return texts of the library that name the other side, with the sides in them written out."""
    if known is None:
        return {}
    other = "left" if side == "right" else "right"
    texts = {key: text for key, text in _texts(known, step).items() if "{other_side}" in text}
    return {key: text.replace("{other_side}", other).replace("{side}", side) for key, text in texts.items()}


def _length_ms(written: str, unit: str) -> int:
    text = written.strip().casefold()
    clock = re.fullmatch(r"(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)", text, re.ASCII)
    if clock:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        lasts_ms = parse_duration(hours * 3600 + minutes * 60 + seconds)
    elif re.fullmatch(r"\d+(?:[.,]\d+)?", text, re.ASCII):
        lasts_ms = parse_duration(text.replace(",", ".") + unit)
    else:
        lasts_ms = _length_with_units(text, written)
    if lasts_ms == 0:
        raise ValueError("must be more than 0")
    return lasts_ms


def _length_with_units(text: str, written: str) -> int:
    for pattern, letter in _UNITS:
        text = re.sub(rf"(?<=\d)\s*(?:{pattern})\.?(?![a-z])\s*", letter, text)
    try:
        return parse_duration(text.replace(",", "."))
    except ValueError as error:
        said = str(error)
        is_known = "longer" in said or "finer" in said or "negative" in said
        raise ValueError(said if is_known else f'"{written[:40]}" is not a length of time') from None
