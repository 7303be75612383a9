"""Write what is made from the model: run as ``python scripts/make_docs.py``.

`docs/format.md` is `scripts/format.md` with its tables filled in; `voiceroutine/routine.schema.json` is the schema.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from voiceroutine import model
from voiceroutine.phrases import phrases_for
from voiceroutine.placeholders import PLACEHOLDERS
from voiceroutine.schema import SCHEMA_FILE, routine_schema, schema_text
from voiceroutine.writing import value_text

ROOT = Path(__file__).parent.parent
TEMPLATE = ROOT / "scripts" / "format.md"
REFERENCE = ROOT / "docs" / "format.md"

_NOTE = (
    "<!-- Made by scripts/make_docs.py from the model; change voiceroutine/model.py or scripts/format.md instead. -->\n"
)
_MEANINGS = {
    "name": "the exercise's name",
    "side": "the side, where there are sides: right, left, or your own label",
    "other_side": "the other side, where there are two",
    "hold": "how long the hold or move is, in words",
    "rep": "which rep it is",
    "reps": "how many reps there are",
    "set": "which set it is",
    "sets": "how many sets there are",
    "next": "the next exercise, where one follows",
    "remaining": "what is left of this work; inside work only, as in `during`",
    "total": "how long the routine is, in whole minutes",
}


def reference() -> str:
    """Return the text of `docs/format.md`."""
    text = TEMPLATE.read_text(encoding="utf-8")
    text = re.sub(r"\{\{table (\w+)(?: only (\w+))?\}\}", lambda found: _table(found[1], found[2]), text)
    return _NOTE + text.replace("{{phrases}}", _phrases()).replace("{{placeholders}}", _placeholders())


def _table(name: str, only: str | None) -> str:
    table: type[model.Table] = getattr(model, name)
    schema = _schemas()[name]
    keys = sorted(table.written_keys(), key=lambda key: key not in table.__annotations__)
    needed = schema.get("required", ())
    rows = [_row(key, schema["properties"][key], is_needed=key in needed) for key in keys if only in {None, key}]
    return "\n".join(["| key | value | meaning | default | example |", "|---|---|---|---|---|", *rows])


def _schemas() -> dict[str, dict[str, Any]]:
    """Return the schema of every table by its name in the model."""
    schema = routine_schema()
    steps = schema["definitions"]
    exercise = steps["exercise_step"]["properties"]
    sounds = schema["properties"]["sounds"]
    return {
        "RoutineFile": schema,
        "ExerciseStep": steps["exercise_step"],
        "SayStep": steps["say_step"],
        "RestStep": steps["rest_step"],
        "WaitStep": steps["wait_step"],
        "BlockStep": steps["block_step"],
        "PhaseTable": exercise["phases"]["items"],
        "DuringTable": exercise["during"]["items"],
        "BreathTable": exercise["breath"],
        "CuesTable": exercise["cues"],
        "VoiceTable": schema["properties"]["voice"],
        "SoundsTable": sounds,
        "BackgroundTable": sounds["properties"]["background"],
        "DefaultsTable": schema["properties"]["defaults"],
        "ExerciseEntry": schema["properties"]["exercises"]["items"],
    }


def _row(key: str, schema: dict[str, Any], *, is_needed: bool) -> str:
    meaning, _, default = schema["description"].partition(" Default: ")
    default = "needed" if is_needed else default.removesuffix(".")
    example = f"`{value_text(schema['examples'][0])}`" if "examples" in schema else ""
    return f"| `{key}` | {_type(schema)} | {_cell(meaning)} | {_cell(default)} | {example} |"


def _type(schema: dict[str, Any]) -> str:
    """Say in words what a value is."""
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return _one_of(schema["enum"])
    kind = schema.get("type")
    if kind == ["string", "array"]:
        words: list[str] = schema["anyOf"][0]["enum"]
        return f"{_one_of(words)}, or a list of texts"
    if kind == ["string", "number"]:
        return _duration(schema)
    if kind in {"integer", "number"}:
        return f"a {'whole ' * (kind == 'integer')}number, {schema['minimum']} to {schema['maximum']:,}"
    return _CONTAINERS.get(str(kind), "a list of steps") if kind != "array" else _list(schema)


_CONTAINERS = {"string": "a text", "boolean": "`true` or `false`", "object": "a group of keys"}


def _list(schema: dict[str, Any]) -> str:
    item = schema["items"]
    if "$ref" in item:
        return "a list of steps"
    return "a list of texts" if item["type"] == "string" else "a list of groups"


def _duration(schema: dict[str, Any]) -> str:
    if "%" in schema["pattern"]:
        return "a moment"
    return '`"off"` or a duration' if "off" in schema["pattern"] else "a duration"


def _one_of(words: list[str]) -> str:
    quoted = [f'`"{word}"`' for word in words]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _phrases() -> str:
    rows = [f"| `{key}` | {_cell(text)} |" for key, text in phrases_for("en").say.items()]
    return "\n".join(["| phrase | what is said otherwise |", "|---|---|", *rows])


def _placeholders() -> str:
    rows = [f"| `{{{name}}}` | {_MEANINGS[name]} |" for name in PLACEHOLDERS]
    return "\n".join(["| placeholder | what is said |", "|---|---|", *rows])


def main() -> None:
    """Write both files."""
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8", newline="\n")
    REFERENCE.write_text(reference(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
