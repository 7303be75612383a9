"""A written routine as TOML text, the way a person would write it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from voiceroutine.model import written_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceroutine.model import RoutineFile

LONGEST_LINE = 100
_TELLING = ("id", "exercise")
_INDENT = "  "
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def dump(file: RoutineFile) -> str:
    """Return the TOML text of a routine; what was not written in it is left out.

    Loading the text gives the same routine. Durations are written as "1m30s", keys in the order of the format.
    """
    return toml_text(_ordered(written_data(file)))


def toml_text(data: Mapping[str, Any]) -> str:
    """Return the TOML text of plain data in the shape of a routine file: tables, lists, texts, numbers.

    Tables and lists of tables at the top get a header; deeper ones stand in one line, or in a list of several.
    """
    keys = {key: value for key, value in data.items() if not _is_section(value)}
    sections = [_section(key, value) for key, value in data.items() if _is_section(value) and value]
    return "\n".join([_pairs(keys), *sections] if keys else sections)


def _ordered(value: Any) -> Any:
    """Put first what tells which exercise it is, and the steps of a block last."""
    if isinstance(value, list):
        return [_ordered(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    keys = sorted(value, key=lambda key: (key == "steps") - (key in _TELLING))
    return {key: _ordered(value[key]) for key in keys}


def _is_section(value: object) -> bool:
    is_tables = isinstance(value, list) and all(isinstance(entry, dict) for entry in value)
    return isinstance(value, dict) or is_tables


def _section(key: str, value: Any) -> str:
    name = _key_text(key)
    if isinstance(value, list):
        return "\n".join(f"[[{name}]]\n{_pairs(entry)}" for entry in value)
    return f"[{name}]\n{_pairs(value)}"


def _pairs(table: Mapping[str, Any]) -> str:
    return "".join(f"{_key_text(key)} = {_value_text(value, '', len(key) + 3)}\n" for key, value in table.items())


def _key_text(key: str) -> str:
    return key if re.fullmatch(r"[\w-]+", key, re.ASCII) else _quoted(key)


def _value_text(value: object, indent: str = "", used: int = 0) -> str:
    """Return a value in one line, or a list in several where the line would be too long.

    Args:
        value: a text, number, truth, list or table.
        indent: what its lines begin with.
        used: the characters before it in its line.
    """
    line = value_text(value)
    if len(indent) + used + len(line) <= LONGEST_LINE:
        return line
    deeper = indent + _INDENT
    if isinstance(value, list) and value:
        entries = "".join(f"{deeper}{_value_text(entry, deeper)},\n" for entry in value)
        return f"[\n{entries}{indent}]"
    if isinstance(value, dict):
        # A line break is allowed in a list, not between the keys of a table in braces.
        pairs = (f"{_key_text(key)} = {_value_text(entry, indent, len(key) + 5)}" for key, entry in value.items())
        return f"{{ {', '.join(pairs)} }}"
    return line


def value_text(value: object) -> str:
    """Return a text, number, truth, list or table as TOML in one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, dict):
        pairs = ", ".join(f"{_key_text(key)} = {value_text(entry)}" for key, entry in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def _quoted(text: str) -> str:
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x1_0000 else f"\\U{code:08x}"
