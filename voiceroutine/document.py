"""TOML text with the line and column of every key and element.

`tomllib` reads the text and judges it; a small scanner then walks the same, now known to be valid, text and notes
where each key and each element of an array stands.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voiceroutine.errors import Location, Problem, RoutineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LARGEST_BYTES = 1 << 20

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed TOML file that knows where everything stands."""

    file: str
    data: Mapping[str, Any]
    line_starts: Sequence[int]
    offsets: Mapping[KeyPath, int]

    def location(self, path: KeyPath) -> Location:
        """Return where a key or element stands, or else the nearest one around it."""
        known = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in self.offsets), None)
        if known is None:
            return Location(file=self.file, path=path_text(path))
        offset = self.offsets[known]
        line = bisect_right(self.line_starts, offset)
        return Location(file=self.file, line=line, column=offset - self.line_starts[line - 1] + 1, path=path_text(path))


def path_text(path: KeyPath) -> str:
    """Write a path as an author would: `steps[2].hold`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def read_document(path: Path) -> Document:
    """Read a file.

    Raises:
        RoutineError: it can't be read, is too large, isn't text, or isn't TOML.
    """
    return parse_document(_decode(_read_bytes(path), str(path)), str(path))


def parse_document(text: str, file: str = "<text>") -> Document:
    """Parse TOML text.

    Raises:
        RoutineError: it isn't TOML.
    """
    if len(text) > LARGEST_BYTES:
        raise _refusal(file, "is larger than 1 MiB", "a routine is a short text; is this the right file?")
    text = text.replace("\r\n", "\n")
    try:
        data = tomllib.loads(text)
    except ValueError as error:
        raise RoutineError([_syntax_problem(file, str(error))]) from None
    except RecursionError:
        raise _refusal(file, "is nested too deep", "arrays and tables may be nested 8 deep") from None
    return Document(file=file, data=data, line_starts=_line_starts(text), offsets=_Scanner(text).scan())


def _read_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise _refusal(str(path), "is a folder", "name the TOML file in it")
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise _refusal(str(path), f"can't be read: {error.strerror}", "is the name right?") from None


def _decode(data: bytes, file: str) -> str:
    if len(data) > LARGEST_BYTES:
        raise _refusal(file, "is larger than 1 MiB", "a routine is a short text; is this the right file?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise _refusal(file, "is not a text file", "a routine is TOML, written in UTF-8; is this the right file?")
    return text


def _refusal(file: str, message: str, hint: str) -> RoutineError:
    return RoutineError([Problem(where=Location(file=file), message=message, hint=hint)])


def _syntax_problem(file: str, message: str) -> Problem:
    at = re.search(r" \(at line (\d+), column (\d+)\)", message)
    where = Location(file=file, line=int(at[1]), column=int(at[2])) if at else Location(file=file)
    said = message[: at.start()] if at else message.removesuffix(" (at end of document)")
    return Problem(
        where=where,
        message=f"not valid TOML: {said[:1].lower()}{said[1:]}",
        hint='every line is a [table], a comment, or key = value, with texts in "quotes"',
    )


def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer("\n", text))]


_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_KEY_PART = re.compile(r"""[ \t]*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([\w-]+))[ \t]*""", re.ASCII)
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")' r"|'''.*?'{3,5}(?!')" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'", re.DOTALL
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


class _Scanner:
    """Walks valid TOML; meets no error, so it checks none."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._offsets: dict[KeyPath, int] = {}
        self._lengths: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self._offsets

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _header(self) -> KeyPath:
        start = self._at
        is_array = self._text.startswith("[[", start)
        self._at += 2 if is_array else 1
        keys = self._key()
        self._at += 2 if is_array else 1
        path: KeyPath = ()
        for key in keys:
            path = self._inside((*path, key))
        if is_array:
            path = self._next_element(self._outside(path))
        self._offsets.setdefault(path, start)
        return path

    def _inside(self, path: KeyPath) -> KeyPath:
        return (*path, self._lengths[path] - 1) if path in self._lengths else path

    def _outside(self, path: KeyPath) -> KeyPath:
        return path[:-1] if isinstance(path[-1], int) else path

    def _next_element(self, path: KeyPath) -> KeyPath:
        index = self._lengths.get(path, 0)
        self._lengths[path] = index + 1
        return (*path, index)

    def _key(self) -> list[str]:
        parts: list[str] = []
        while True:
            match = _KEY_PART.match(self._text, self._at)
            if match is None:
                return parts
            quoted, literal, bare = match.groups()
            parts.append(_unescaped(quoted) if quoted is not None else literal if literal is not None else bare)
            self._at = match.end()
            if not self._text.startswith(".", self._at):
                return parts
            self._at += 1

    def _pair(self, table: KeyPath) -> None:
        self._skip(_BLANK)
        start = self._at
        path = (*table, *self._key())
        for length in range(len(table) + 1, len(path) + 1):
            self._offsets.setdefault(path[:length], start)
        self._at = self._text.index("=", self._at) + 1
        self._skip(_BLANK)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        first = self._text[self._at]
        if first in "\"'":
            self._skip(_STRING)
        elif first == "[":
            self._sequence(path, "]")
        elif first == "{":
            self._sequence(path, "}")
        else:
            self._skip(_SCALAR)

    def _sequence(self, path: KeyPath, closing: str) -> None:
        self._at += 1
        index = 0
        self._skip(_BLANK)
        while self._text[self._at] != closing:
            if closing == "]":
                self._offsets[(*path, index)] = self._at
                self._value((*path, index))
            else:
                self._pair(path)
            index += 1
            self._skip(_BLANK)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(_BLANK)
        self._at += 1


def _unescaped(quoted: str) -> str:
    return str(tomllib.loads(f'k = "{quoted}"')["k"]) if "\\" in quoted else quoted
