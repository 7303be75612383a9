"""What is wrong with a file, in the author's words: pydantic's findings become Problems with a place and a hint."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from voiceroutine import model
from voiceroutine.errors import Problem, RoutineError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

    from voiceroutine.document import Document, KeyPath

T = TypeVar("T", bound=BaseModel)

_TABLES: dict[str, type[BaseModel]] = {
    "exercise": model.ExerciseStep,
    "block": model.BlockStep,
    "rest": model.RestStep,
    "say": model.SayStep,
}
_TYPES = {
    "string_type": 'must be text, in quotes: "…"',
    "int_type": "must be a whole number, like 3",
    "float_type": "must be a number, like 1.5",
    "bool_type": "must be true or false, without quotes",
    "list_type": "must be a list: [ … ]",
    "model_type": "must be a table",
    "missing": "is missing",
    "string_pattern_mismatch": 'is not a language tag, like "en" or "pt-BR"',
}
_KINDS_HINT = "a step has one of these keys: exercise, name, steps, rest, say"


def validate(document: Document, table: type[T]) -> T:
    """Check a document against a table of the format.

    Raises:
        RoutineError: with every mistake that was found.
    """
    try:
        return table.model_validate(document.data)
    except ValidationError as error:
        problems = [_problem(document, table, detail) for detail in error.errors(include_url=False)]
        raise RoutineError(sorted(problems, key=lambda p: (p.where.line, p.where.column))) from None


def _problem(document: Document, table: type[BaseModel], detail: ErrorDetails) -> Problem:
    path = _path_in_file(detail["loc"])
    message, hint = _said(detail, path, table)
    return Problem(where=document.location(path), message=message, hint=hint)


def _path_in_file(loc: KeyPath) -> KeyPath:
    """Drop the names of union members, which pydantic puts behind a step's number and behind `sides`."""
    path: list[str | int] = []
    is_union_member = False
    for part in loc:
        if not (is_union_member and isinstance(part, str)):
            path.append(part)
            is_union_member = part == "sides" or (isinstance(part, int) and path[-2:-1] == ["steps"])
        else:
            is_union_member = False
    return tuple(path)


def _said(detail: ErrorDetails, path: KeyPath, table: type[BaseModel]) -> tuple[str, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(str(path[-1]), _table_at(detail["loc"], table), path)
    if kind == "union_tag_not_found":
        return _unknown_step(detail["input"])
    if kind == "value_error":
        said, _, hint = str(context["error"]).partition("; ")
        return said, hint
    if kind == "literal_error":
        return f"must be {context['expected'].replace(chr(39), chr(34))}", did_you_mean(
            str(detail["input"]), str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        )
    if kind in _TYPES:
        return f"{_TYPES[kind]}", ""
    return _out_of_range(kind, context, detail["msg"]), ""


def _out_of_range(kind: str, context: Mapping[str, object], otherwise: str) -> str:
    said = {
        "greater_than_equal": "must be {ge} or more",
        "less_than_equal": "must be {le} or less",
        "too_short": "must have at least one entry",
        "too_long": "must have at most {max_length} entries",
        "string_too_long": "is longer than {max_length} characters",
        "finite_number": "must be a finite number",
    }.get(kind)
    return said.format(**context) if said else otherwise[:1].lower() + otherwise[1:]


def _unknown_step(step: object) -> tuple[str, str]:
    if not isinstance(step, dict):
        return 'a step must be a table, like { exercise = "neck-tilt" }', _KINDS_HINT
    keys = [key for keys in model.STEP_KINDS.values() for key in keys]
    near = next((hint for key in step if (hint := did_you_mean(key, keys))), "")
    return "can't tell what kind of step this is", near or _KINDS_HINT


def _unknown_key(key: str, owner: type[BaseModel], path: KeyPath) -> tuple[str, str]:
    known = list(owner.model_fields)
    kind = next((name for name, table in _TABLES.items() if table is owner), "")
    if not kind or len(path) < 2 or not isinstance(path[-2], int):
        return f'unknown key "{key}"', did_you_mean(key, known) or f"known here: {', '.join(known)}"
    article = "an" if kind == "exercise" else "a"
    elsewhere = [name for name, table in _TABLES.items() if key in table.model_fields]
    if elsewhere and not did_you_mean(key, known):
        return f'{article} {kind} step has no key "{key}"', (
            f"{key} belongs to another kind of step ({', '.join(elsewhere)}); a step is of one kind: write two steps"
        )
    return f'{article} {kind} step has no key "{key}"', did_you_mean(key, known) or f"it has: {', '.join(known)}"


def _table_at(loc: KeyPath, table: type[BaseModel]) -> type[BaseModel]:
    for part in loc[:-1]:
        if part in _TABLES:
            table = _TABLES[str(part)]
        elif part in _PARTS:
            table = _PARTS[str(part)]
    return table


_PARTS: dict[str, type[BaseModel]] = {
    "exercises": model.ExerciseEntry,
    "voice": model.VoiceTable,
    "cues": model.CuesTable,
    "defaults": model.DefaultsTable,
    "phases": model.PhaseTable,
}
