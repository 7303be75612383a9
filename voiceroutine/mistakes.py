"""What is wrong with a file, in the author's words: pydantic's findings become Problems with a place and a hint."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import ValidationError

from voiceroutine import model
from voiceroutine.errors import Location, Problem, RoutineError, did_you_mean
from voiceroutine.placeholders import PLACEHOLDERS, placeholder_problems, unfilled_problems

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from voiceroutine.document import Document, KeyPath

T = TypeVar("T", bound=model.Table)

_TABLES: dict[str, type[model.Table]] = {
    "exercise": model.ExerciseStep,
    "block": model.BlockStep,
    "wait": model.WaitStep,
    "rest": model.RestStep,
    "say": model.SayStep,
}
_STEP_KEYS = {key for table in _TABLES.values() for key in table.written_keys()}
_TYPES = {
    "string_type": 'must be text, in quotes: "…"',
    "int_type": "must be a whole number, like 3",
    "float_type": "must be a number, like 1.5",
    "bool_type": "must be true or false, without quotes",
    "list_type": "must be a list: [ … ]",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "missing": "is missing",
    "string_pattern_mismatch": 'is not a language tag, like "en" or "pt-BR"',
}
_KINDS_HINT = "a step has one of these keys: exercise, name, steps, wait, rest, say"
_STEPS_HINT = "each entry starts on a line of its own with [[{key}]], in double brackets"
_HINTS = {
    ("missing", "title"): 'write it at the top: title = "Neck cool-down"',
    ("missing", "steps"): 'write [[steps]], and below it exercise = "neck-tilt"',
    ("missing", "lasts"): 'say how long the phase is: lasts = "2s"',
    ("missing", "id"): 'write id = "my-stretch", and use it in a step as exercise = "my-stretch"',
    ("list_type", "steps"): _STEPS_HINT.format(key="steps"),
    ("list_type", "exercises"): _STEPS_HINT.format(key="exercises"),
    ("list_type", "needs"): 'write it like ["a chair"]',
    ("list_type", "muscles"): 'write it like ["scalenes"]',
    ("list_type", "phases"): 'write it like [{ say = "Lift.", lasts = "2s" }]',
    ("model_type", "voice"): "write [voice] on a line of its own, and its keys below it",
    ("model_type", "cues"): "write [cues] on a line of its own, and its keys below it",
    ("model_type", "defaults"): "write [defaults] on a line of its own, and its keys below it",
    ("model_type", "sounds"): "write [sounds] on a line of its own, and its keys below it",
    ("dict_type", "phrases"): "write [phrases] on a line of its own, and its keys below it",
    ("dict_type", "pronounce"): "write [pronounce] on a line of its own, and its keys below it",
    ("model_type", "background"): 'write it like { sound = "brown-noise", gain_db = -18 }',
    ("model_type", "breath"): 'write it like { in = "4s", out = "6s" }',
    ("missing", "in"): 'write it like { in = "4s", out = "6s" }',
    ("missing", "out"): 'write it like { in = "4s", out = "6s" }',
    ("missing", "at"): 'say when: at = "10s", "50%" or "-8s"',
    ("missing", "sound"): 'say which: sound = "brown-noise"',
    ("list_type", "during"): 'write it like [{ at = "10s", say = "Breathe out." }]',
    ("too_short", "steps"): "write at least one [[steps]], with exercise, name, rest or say below it",
    ("too_long", "steps"): "is a part of the file there many times? for rounds, write a block with repeat",
    ("too_short", "sides"): 'write it like ["left", "right"], or sides = "none"',
    ("too_short", "phases"): 'write it like [{ say = "Lift.", lasts = "2s" }]',
    ("string_too_long", "say"): "make two steps of it",
    ("literal_error", "sides"): 'or a list of your own, like ["left", "right"]',
}
# What stands in for what is wrong, so that the rest of the file can be examined with every index in its place.
_ANY_STEP = {"name": "Unknown", "hold": 1}
_TOP_STAND_INS = {"title": "Unknown", "steps": [_ANY_STEP]}
_STAND_INS: dict[str, dict[str, Any]] = {
    "exercise": {"name": "Unknown"},
    "block": {"steps": [_ANY_STEP]},
    "wait": {"wait": 1},
    "rest": {"rest": 0},
    "say": {"say": "Unknown."},
}
_LISTS = ("steps", "exercises")
UNREAD_ID = "unknown-id-"
MOST_PROBLEMS = 50
TEXT_KEYS = ("instruction", "cue", "caution")


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined(Generic[T]):
    """A file as far as it can be read: what is wrong was left out or stood in for, and told.

    Attributes:
        table: the whole file, each entry and step at its own index.
        problems: what is wrong with it.
        partial: the paths of the entries and steps of which something is missing.
    """

    table: T
    problems: tuple[Problem, ...] = ()
    partial: frozenset[KeyPath] = frozenset()


def examine(document: Document, table: type[T]) -> Examined[T]:
    """Check a document against a table of the format; go on after a mistake so that later checks find theirs.

    Raises:
        RoutineError: there is nothing that later checks could find.
    """
    try:
        return Examined(table=table.model_validate(document.data))
    except ValidationError as error:
        details = error.errors(include_url=False)
    if not document.data:
        hint = 'a routine begins with title = "…", and each step with [[steps]]'
        raise RoutineError([document.problem((), "there is nothing in this file", hint)])
    at = {id(detail): document.location(_path_in_file(detail["loc"])) for detail in details}
    details.sort(key=lambda detail: (at[id(detail)].line, at[id(detail)].column))
    problems = tuple(_problem(document, table, detail) for detail in details[:MOST_PROBLEMS])
    if len(details) >= MOST_PROBLEMS:
        raise refusal(problems, more=len(details) - len(problems))
    return _rest_of(document, table, problems, {_path_in_file(detail["loc"]) for detail in details})


def _rest_of(
    document: Document, table: type[T], problems: tuple[Problem, ...], wrong: Collection[KeyPath]
) -> Examined[T]:
    data = deepcopy(dict(document.data))
    for path in sorted(wrong, key=len, reverse=True):
        _leave_out(data, path)
    try:
        found = table.model_validate(data)
    except ValidationError:
        raise refusal(problems) from None
    return Examined(table=found, problems=problems, partial=frozenset(_owner(path) for path in wrong))


def _owner(path: KeyPath) -> KeyPath:
    """Return the path of the innermost step or entry around a path; empty at the top."""
    pairs = [*pairwise(path)]
    ends = [n + 2 for n, (key, index) in enumerate(pairs) if key in _LISTS and isinstance(index, int)]
    return path[: max(ends, default=0)]


def _leave_out(data: dict[str, Any], path: KeyPath) -> None:
    owner = _owner(path)
    if not owner:
        _leave_out_at_the_top(data, path)
        return
    *outer, kind_of_list, index = owner
    listed: Any = data
    for part in (*outer, kind_of_list):
        listed = listed[part]
    key = str(path[len(owner)]) if len(path) > len(owner) else ""
    shorter = _shorter_entry if kind_of_list == "exercises" else _shorter_step
    listed[index] = shorter(listed[index], key, int(index))


def _leave_out_at_the_top(data: dict[str, Any], path: KeyPath) -> None:
    key, inner = str(path[0]), path[1] if len(path) > 1 else None
    found = data.pop(key, None)
    if isinstance(found, dict) and inner in found:
        data[key] = {name: value for name, value in found.items() if name != inner}
    elif key in _TOP_STAND_INS:
        data[key] = _TOP_STAND_INS[key]


def _shorter_step(step: object, key: str, _: int) -> object:
    kind = model.kind_of_step(step)
    if not isinstance(step, dict) or kind is None or not key:
        return _ANY_STEP
    rest = {name: value for name, value in step.items() if name != key}
    return rest if model.kind_of_step(rest) == kind else {**rest, **_STAND_INS[kind]}


def _shorter_entry(entry: object, key: str, index: int) -> object:
    if not isinstance(entry, dict) or key in {"", "id"}:
        return {"id": f"{UNREAD_ID}{index}", "name": "Unknown"}
    return {name: value for name, value in entry.items() if name != key}


def refusal(problems: Iterable[Problem], *, more: int = 0) -> RoutineError:
    """Return the error that carries every problem once, in the order of the file.

    Args:
        problems: what was found.
        more: how many were left out; 50 are enough to begin with.
    """
    listed = sorted(dict.fromkeys(problems), key=lambda p: (p.where.line, p.where.column))
    if more:
        where = Location(file=listed[0].where.file)
        message = f"and {more:,} more problem{'s' * (more > 1)}"
        listed.append(Problem(where=where, message=message, hint="mend these first, then check again"))
    return RoutineError(listed)


def entry_problems(
    document: Document,
    entries: Sequence[model.ExerciseEntry],
    named: Container[str],
    partial: Container[KeyPath] = (),
) -> Iterator[Problem]:
    """Yield what is wrong with a file's `[[exercises]]` whether or not a step uses them.

    Args:
        document: the file.
        entries: its entries.
        named: ids that have a name elsewhere, so that an entry needs none of its own.
        partial: the paths of entries of which something was left out, maybe the name.
    """
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        path: KeyPath = ("exercises", index)
        if entry.id in seen:
            message = f'the id "{entry.id}" is used twice'
            yield document.problem((*path, "id"), message, "give each entry an id of its own")
        seen.add(entry.id)
        if entry.name is None and entry.id not in named and path not in partial:
            yield document.problem((*path, "name"), "is missing", 'give it a name to be spoken: name = "…"')
        yield from fields_problems(document, entry, path)
        yield from unknown_placeholders(document, entry, path)


def fields_problems(document: Document, fields: model.ExerciseFields, path: KeyPath) -> Iterator[Problem]:
    """Yield what is wrong with the fields of an exercise, wherever they stand."""
    if len(fields.actions()) > 1:
        one, two = fields.actions()[:2]
        message = f"has both {one} and {two}"
        yield document.problem((*path, two), message, "an exercise has exactly one of hold, move, phases")
    for key, text in _names(fields):
        for message, hint in unfilled_problems(text):
            yield document.problem((*path, *key), message, hint)


def _names(fields: model.ExerciseFields) -> Iterator[tuple[KeyPath, str]]:
    yield ("name",), fields.name or ""
    for key, names in (("needs", fields.needs), ("sides", fields.sides)):
        for index, name in enumerate(names if isinstance(names, list) else ()):
            yield (key, index), name


def unknown_placeholders(document: Document, fields: model.ExerciseFields, path: KeyPath) -> Iterator[Problem]:
    """Yield what is wrong with the placeholders of an exercise whatever its sides and its action are."""
    texts: list[tuple[KeyPath, str | None]] = [((key,), getattr(fields, key)) for key in TEXT_KEYS]
    texts += [(("phases", index, "say"), phase.say) for index, phase in enumerate(fields.phases or ())]
    texts += [(("during", index, "say"), during.say) for index, during in enumerate(fields.during or ())]
    for key, text in texts:
        for message, hint in placeholder_problems(text or "", frozenset(PLACEHOLDERS)):
            yield document.problem((*path, *key), message, hint)


def _problem(document: Document, table: type[model.Table], detail: ErrorDetails) -> Problem:
    path = _path_in_file(detail["loc"])
    if detail["type"] == "union_tag_not_found" and (misspelled := _misspelled_kind(detail["input"])):
        key, hint = misspelled
        return document.problem((*path, key), f'can\'t tell what kind of step this is: unknown key "{key}"', hint)
    message, hint = _said(detail, path, table)
    return document.problem(path, message, hint or _HINTS.get((detail["type"], str(path[-1])), ""))


def _path_in_file(loc: KeyPath) -> KeyPath:
    """Drop the names of union members, which pydantic puts behind a step's number and behind `sides`."""
    path: list[str | int] = []
    is_union_member = False
    for part in loc:
        if part == "[key]":
            continue
        if not (is_union_member and isinstance(part, str)):
            path.append(part)
            is_union_member = part == "sides" or (isinstance(part, int) and path[-2:-1] == ["steps"])
        else:
            is_union_member = False
    return tuple(path)


def _said(detail: ErrorDetails, path: KeyPath, table: type[model.Table]) -> tuple[str, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(str(path[-1]), _table_at(detail["loc"], table), path)
    if kind == "union_tag_not_found":
        return _unknown_step(detail["input"])
    if kind == "value_error":
        said, _, hint = str(context["error"]).rpartition("; ")
        return (said, hint) if said else (hint, "")
    if kind == "literal_error":
        return _not_one_of(str(context["expected"]), detail["input"])
    if kind in _TYPES:
        return _TYPES[kind], ""
    return _out_of_range(kind, context, detail["msg"]), ""


def _not_one_of(expected: str, written: object) -> tuple[str, str]:
    words = expected.replace("'", "").replace(" or ", ", ").split(", ")
    near = did_you_mean(written.lower(), words) if isinstance(written, str) else ""
    return f"must be {expected.replace(chr(39), chr(34))}", near


def _out_of_range(kind: str, context: Mapping[str, object], otherwise: str) -> str:
    said = {
        "greater_than_equal": "must be {ge:,g} or more",
        "less_than_equal": "must be {le:,g} or less",
        "too_short": "must have at least one entry",
        "too_long": "must have at most {max_length:,} entries",
        "string_too_long": "is longer than {max_length:,} characters",
        "finite_number": "must be a finite number",
    }.get(kind)
    return said.format(**context) if said else otherwise[:1].lower() + otherwise[1:]


def _misspelled_kind(step: object) -> tuple[str, str] | None:
    """Return the key that is nearly one that tells the kind of a step, and which it may be meant to be."""
    telling = [key for keys in model.STEP_KINDS.values() for key in keys]
    unknown = [key for key in step if key not in _STEP_KEYS] if isinstance(step, dict) else []
    return next(((key, hint) for key in unknown if (hint := did_you_mean(key.lower(), telling))), None)


def _unknown_step(step: object) -> tuple[str, str]:
    if not isinstance(step, dict):
        return 'a step must be a table, like { exercise = "neck-tilt" }', _STEPS_HINT.format(key="steps")
    message = "can't tell what kind of step this is"
    if not any(key in _STEP_KEYS for key in step):
        return message, _KINDS_HINT
    kind = next(kind for kind in _TABLES if any(key in _TABLES[kind].written_keys() for key in step))
    return message, f"{_with_article(kind)} step needs the key {' or '.join(model.STEP_KINDS[kind])}"


def _unknown_key(key: str, owner: type[model.Table], path: KeyPath) -> tuple[str, str]:
    known = owner.written_keys()
    near = did_you_mean(key.lower(), known)
    if len(path) == 2 and owner is not model.RoutineFile and key in model.RoutineFile.written_keys():
        return f'unknown key "{key}"', f"write {key} at the top of the file, above the first [table]"
    kind = next((name for name, table in _TABLES.items() if table is owner), "")
    if not kind or len(path) < 2 or not isinstance(path[-2], int):
        return f'unknown key "{key}"', near or f"known here: {', '.join(known)}"
    message = f'{_with_article(kind)} step has no key "{key}"'
    elsewhere = [_with_article(name) for name, table in _TABLES.items() if key in table.written_keys()]
    if elsewhere:
        owners = " or ".join([*filter(None, [", ".join(elsewhere[:-1])]), elsewhere[-1]])
        return message, f"{key} belongs to {owners} step; a step is of one kind: write two steps"
    return message, near or f"it has: {', '.join(known)}"


def _with_article(kind: str) -> str:
    return f"{'an' if kind == 'exercise' else 'a'} {kind}"


def _table_at(loc: KeyPath, table: type[model.Table]) -> type[model.Table]:
    for part in loc[:-1]:
        if part in _TABLES:
            table = _TABLES[str(part)]
        elif part in _PARTS:
            table = _PARTS[str(part)]
    return table


_PARTS: dict[str, type[model.Table]] = {
    "exercises": model.ExerciseEntry,
    "voice": model.VoiceTable,
    "cues": model.CuesTable,
    "defaults": model.DefaultsTable,
    "phases": model.PhaseTable,
    "during": model.DuringTable,
    "breath": model.BreathTable,
    "sounds": model.SoundsTable,
    "background": model.BackgroundTable,
}
