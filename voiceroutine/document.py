"""TOML text with the line and column of every key and element.

`tomllib` reads the text and judges it; a small scanner then walks the same, now known to be valid, text and notes
where each key and each element of an array begins and ends.
"""

from __future__ import annotations

import json
import re
import tomllib
from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from voiceroutine.errors import Location, Problem, RoutineError, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LARGEST_BYTES = 1 << 20
DEEPEST_PATH = 40

KeyPath = tuple[str | int, ...]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed TOML file that knows where everything stands."""

    file: str
    data: Mapping[str, Any]
    lines: Sequence[str]
    line_starts: Sequence[int]
    spans: Mapping[KeyPath, Span]

    def location(self, path: KeyPath) -> Location:
        """Return where a key or element stands, or else the nearest one around it, or else the file's start.

        A key spans itself and its value, an element of an array itself, `[[steps]]` its brackets; of what goes on
        over several lines, the first one.
        """
        span = next((self.spans[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.spans), None)
        if span is None:
            return Location(file=self.file, line=1, column=1, path=path_text(path))
        start, end = span
        line = bisect_right(self.line_starts, start)
        text, at = self.lines[line - 1], start - self.line_starts[line - 1]
        width = len(text[at : at + end - start].rstrip())
        return Location(file=self.file, line=line, column=at + 1, path=path_text(path), text=text, width=width)

    def problem(self, path: KeyPath, message: str, hint: str = "") -> Problem:
        """Return what is wrong with a key or element."""
        return Problem(where=self.location(path), message=shown(message), hint=shown(hint))


def path_text(path: KeyPath) -> str:
    """Write a path as an author would: `steps[2].hold`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{_key_text(part)}" for part in path).removeprefix(".")


def _key_text(key: str) -> str:
    return shown(key if re.fullmatch(r"[\w-]+", key, re.ASCII) else json.dumps(key, ensure_ascii=False))


def shown(text: str) -> str:
    """Make a text fit for a message: one line, nothing invisible, no endless words."""
    return re.sub(r"\S{60,}", lambda match: f"{match[0][:40]}…", visible(text))


def read_document(path: Path) -> Document:
    """Read a file.

    Raises:
        RoutineError: it can't be read, is too large, isn't text, or isn't TOML.
    """
    return parse_document(_decode(read_bytes(path), str(path)), str(path))


def parse_document(text: str, file: str = "<text>") -> Document:
    """Parse TOML text.

    Raises:
        RoutineError: it isn't TOML.
    """
    if len(text) > LARGEST_BYTES:
        raise _refusal(file, "is larger than 1 MiB", "a routine is a short text; is this the right file?")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    endless = _ENDLESS_KEY.search(text)
    if endless:
        raise _too_deep(file, text, endless.start())
    try:
        data = tomllib.loads(text)
        spans = _Scanner(text).scan()
    except ValueError as error:
        raise RoutineError([_syntax_problem(file, text, str(error))]) from None
    except RecursionError:
        raise _too_deep(file, text, _deepest_read(text)) from None
    lines = text.split("\n")
    starts = accumulate((len(line) + 1 for line in lines[:-1]), initial=0)
    return Document(file=file, data=data, lines=lines, line_starts=[*starts], spans=spans)


def read_bytes(path: Path) -> bytes:
    """Return what is in a file.

    Raises:
        RoutineError: it can't be read, is no file, or is larger than 1 MiB.
    """
    data = _read_some_bytes(path)
    if len(data) > LARGEST_BYTES:
        raise _refusal(str(path), "is larger than 1 MiB", "a routine is a short text; is this the right file?")
    return data


def _read_some_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise _refusal(str(path), "is a folder", "name a file in it")
        if path.is_fifo():
            raise _refusal(str(path), "is a pipe", "write it into a file first; a pipe may never end")
        with path.open("rb") as file:
            return file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise _refusal(str(path), f"can't be read: {error.strerror}", "is the name right?") from None
    except ValueError:
        raise _refusal(shown(str(path)), "can't be the name of a file", "is the name right?") from None


def _decode(data: bytes, file: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise _refusal(file, "is not a text file", "a routine is TOML, written in UTF-8; is this the right file?")
    return text


def _refusal(file: str, message: str, hint: str) -> RoutineError:
    return RoutineError([Problem(where=Location(file=file), message=message, hint=hint)])


def _deepest_read(text: str) -> int:
    scanner = _Scanner(text)
    with suppress(RecursionError):
        scanner.scan()
    return scanner.at


def _too_deep(file: str, text: str, offset: int) -> RoutineError:
    where = _place(file, text, offset)
    return RoutineError([Problem(where=where, message="is nested too deep", hint="blocks may be nested 8 deep")])


def _place(file: str, text: str, offset: int, width: int = 1) -> Location:
    start = text.rfind("\n", 0, offset) + 1
    line, column = text.count("\n", 0, offset) + 1, offset - start + 1
    return Location(file=file, line=line, column=column, text=text[start:].partition("\n")[0], width=width)


_WORD = re.compile(r"[^\s,=\[\]{}#]+")
_ESCAPE = re.compile(r"\\[uU][0-9a-fA-F]*|\\.")
_LINE = re.compile(r"\S(?:.*\S)?")
_QUOTES_HINT = 'texts and durations stand in straight quotes: hold = "30s"'
_TWICE_HINT = "keep one of them; each step starts with [[steps]], in double brackets"
_KEY_HINT = "write it like reps = 3; a { table } stands on one line"
# What tomllib says, what the author is told, and what is marked around the place if not that character alone.
_SYNTAX: tuple[tuple[str, str, str] | tuple[str, str, str, re.Pattern[str]], ...] = (
    (r"(Illegal|invalid) character '\\n'", "a text has no closing quote", 'a text of several lines stands between """'),
    (r"Unterminated string|Expected [\"']'", "a text has no closing quote", _QUOTES_HINT),
    (r"Expected newline", "something follows the value", f"one key = value a line; {_QUOTES_HINT}", _WORD),
    (r"(Illegal|invalid) character", "has a control character", "delete it; it may be invisible in the editor"),
    (r"overwrite a value|Duplicate", "the same key is written twice", _TWICE_HINT, _LINE),
    (r"twice|mutate|redefine|no nest|other than", "the same table is written twice", _TWICE_HINT, _LINE),
    (r"Expected '='", "a key has no =", "write it like reps = 3", _WORD),
    (r"Expected '\]", "a [table] is not closed", "write it like [cues], and each step like [[steps]]"),
    (r"Unclosed array", "a list is not closed", "entries have commas between them, and a ] at the end"),
    (r"Unclosed inline", "a { table } is not closed", "its keys have commas between them, and a } at the end"),
    (r"Unescaped|hex value|Escaped", "a \\ in a text has no meaning", "write \\\\ for a backslash", _ESCAPE),
    (r"at end of document", "the file ends too early", "a list needs its ] and a { table } its }"),
    (r"Invalid value", "there is no value that TOML knows", _QUOTES_HINT, _WORD),
    (r"Invalid date", "there is no such date", _QUOTES_HINT, _WORD),
    (r"digits", "a number is too long", "is it right?", _WORD),
    (r"initial character", "a key is missing", _KEY_HINT),
    (r"", "this is no line of a routine", "a line is a [table], a # comment, or key = value"),
)


def _syntax_problem(file: str, text: str, said: str) -> Problem:
    told = next(told for told in _SYNTAX if re.search(told[0], said))
    start, end = _around(text, _syntax_offset(text, said), *told[3:])
    where = _place(file, text, start, end - start)
    return Problem(where=where, message=f"not valid TOML: {told[1]}", hint=told[2])


def _syntax_offset(text: str, said: str) -> int:
    if at := re.search(r"\(at line (\d+), column (\d+)\)", said):
        return sum(len(line) + 1 for line in text.split("\n")[: int(at[1]) - 1]) + int(at[2]) - 1
    endless = _ENDLESS_NUMBER.search(text) if "digits" in said else None
    return endless.start() if endless else len(text.rstrip())


def _around(text: str, offset: int, pattern: re.Pattern[str] | None = None) -> Span:
    """Return what a pattern matches around an offset, in its line; otherwise the one character there.

    A word is found by its first character; of an escape and of a line, the offset is the end.
    """
    at = offset if pattern is _WORD else offset - 1
    line_start, line_end = text.rfind("\n", 0, offset) + 1, (text + "\n").index("\n", offset)
    matches = pattern.finditer(text, line_start, line_end) if pattern else ()
    return next((match.span() for match in matches if match.start() <= at < match.end()), (offset, offset + 1))


_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_KEY_PART = re.compile(r"""[ \t]*("((?:[^"\\]|\\.)*)"|'([^']*)'|([\w-]+))[ \t]*""", re.ASCII)
_ENDLESS_KEY = re.compile(
    r"""(?:(?:(?<![\w-])[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*)""" f"{{{DEEPEST_PATH}}}", re.ASCII
)
_ENDLESS_NUMBER = re.compile(r"(?<![\d_])[\d_]{4301,}", re.ASCII)
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")' r"|'''.*?'{3,5}(?!')" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'", re.DOTALL
)
_SCALAR = re.compile(r"[^,\]}#\n]*[^,\]}#\s]")


class _Scanner:
    """Walks valid TOML; meets no error but too deep nesting, so it checks nothing else."""

    def __init__(self, text: str) -> None:
        self.at = 0
        self._text = text
        self._starts: dict[KeyPath, int] = {}
        self._ends: dict[KeyPath, int] = {}
        self._lengths: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, Span]:
        """Return where every key and element begins, and where it ends: behind its last character.

        Raises:
            RecursionError: deeper than `DEEPEST_PATH`.
        """
        table: KeyPath = ()
        self._skip(_BLANK)
        while self.at < len(self._text):
            if self._text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return {path: (start, self._ends[path]) for path, start in self._starts.items()}

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self.at)
        self.at = match.end() if match else self.at

    def _begin(self, path: KeyPath, offset: int) -> None:
        if len(path) > DEEPEST_PATH:
            raise RecursionError
        self._starts.setdefault(path, offset)

    def _end(self, *paths: KeyPath) -> None:
        for path in paths:
            self._ends.setdefault(path, self.at)

    def _header(self) -> KeyPath:
        start = self.at
        brackets = 2 if self._text.startswith("[[", start) else 1
        self.at += brackets
        path: KeyPath = ()
        named: list[KeyPath] = []
        for key, offset in self._key():
            path = (*self._inside(path), key)
            self._begin(path, offset)
            named.append(path)
        self._end(*named)
        self.at += brackets
        if brackets == 2:
            path = self._next_element(path)
            self._begin(path, start)
            self._end(path)
        return path

    def _inside(self, path: KeyPath) -> KeyPath:
        return (*path, self._lengths[path] - 1) if path in self._lengths else path

    def _next_element(self, path: KeyPath) -> KeyPath:
        index = self._lengths.get(path, 0)
        self._lengths[path] = index + 1
        return (*path, index)

    def _key(self) -> list[tuple[str, int]]:
        parts: list[tuple[str, int]] = []
        while match := _KEY_PART.match(self._text, self.at):
            _, quoted, literal, bare = match.groups()
            part = _unescaped(quoted) if quoted is not None else literal if literal is not None else bare
            parts.append((part, match.start(1)))
            self.at = match.end()
            if not self._text.startswith(".", self.at):
                break
            self.at += 1
        return parts

    def _pair(self, table: KeyPath) -> None:
        path = table
        named: list[KeyPath] = []
        for key, offset in self._key():
            path = (*path, key)
            self._begin(path, offset)
            named.append(path)
        self.at = self._text.index("=", self.at) + 1
        self._skip(_BLANK)
        self._value(path)
        self._end(*named)

    def _value(self, path: KeyPath) -> None:
        first = self._text[self.at]
        if first in "\"'":
            self._skip(_STRING)
        elif first == "[":
            self._sequence(path, "]")
        elif first == "{":
            self._sequence(path, "}")
        else:
            self._skip(_SCALAR)

    def _sequence(self, path: KeyPath, closing: str) -> None:
        self.at += 1
        index = 0
        self._skip(_BLANK)
        while self._text[self.at] != closing:
            if closing == "]":
                element = (*path, index)
                self._begin(element, self.at)
                self._value(element)
                self._end(element)
            else:
                self._pair(path)
            index += 1
            self._skip(_BLANK)
            if self._text[self.at] == ",":
                self.at += 1
                self._skip(_BLANK)
        self.at += 1


def _unescaped(quoted: str) -> str:
    return str(tomllib.loads(f'k = "{quoted}"')["k"]) if "\\" in quoted else quoted
