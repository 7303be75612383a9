"""The JSON Schema of a routine file, made from the model, so that editors complete and check while one writes.

It is of draft 7 with `if`, `then` and `else`, which the TOML editors understand and which lead to messages about the
one key that is wrong. Whatever it refuses, the loader refuses.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voiceroutine.model import ACTIONS, LONGEST_TEXT, STEP_KINDS, RoutineFile, sentence_pattern
from voiceroutine.phrases import phrases_for
from voiceroutine.placeholders import PLACEHOLDERS

if TYPE_CHECKING:
    from collections.abc import Sequence

Schema = dict[str, Any]

SCHEMA_FILE = Path(__file__).with_name("routine.schema.json")
SCHEMA_ID = "urn:voiceroutine:format:1"

_STEP_TABLES = {
    "ExerciseStep": "exercise_step",
    "BlockStep": "block_step",
    "WaitStep": "wait_step",
    "RestStep": "rest_step",
    "SayStep": "say_step",
}
_ANY: Schema = {}


def routine_schema() -> Schema:
    """Return the schema of a routine file."""
    generated = RoutineFile.model_json_schema(by_alias=True)
    tables = _with_rules(generated.pop("$defs"))
    definitions = {name: _rewritten(tables[table], tables) for table, name in _STEP_TABLES.items()}
    generated["properties"]["phrases"] |= _phrases()
    del generated["properties"]["phrases"]["propertyNames"]
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "$id": SCHEMA_ID, "title": "A voiceroutine routine"}
    return {**head, **_rewritten(generated, tables), "definitions": {"step": _step(), **definitions}}


def schema_text() -> str:
    """Return the schema as the text of the file that the package ships; `scripts/make_docs.py` writes it."""
    return json.dumps(routine_schema(), ensure_ascii=False, indent=1) + "\n"


def schema_of_package() -> str:
    """Return the text of the schema that the package ships."""
    return SCHEMA_FILE.read_text(encoding="utf-8")


def _with_rules(tables: dict[str, Schema]) -> dict[str, Schema]:
    """Add what the model's validators and the loader demand of several keys together."""
    rules = {
        "ExerciseStep": _one_action(("min", "max"), otherwise=_if(_has("exercise"), then=_ANY, otherwise=_has("hold"))),
        "ExerciseEntry": _one_action((), otherwise=_ANY),
        "DuringTable": _if(_has("chime"), then=_ANY, otherwise=_has("say")),
    }
    return {name: {**table, **rules.get(name, {})} for name, table in tables.items()}


def _has(*keys: str) -> Schema:
    return {"required": list(keys)}


def _if(condition: Schema, *, then: Schema, otherwise: Schema) -> Schema:
    return {"if": condition, "then": then, "else": otherwise}


def _one_action(only_of_hold: Sequence[str], *, otherwise: Schema) -> Schema:
    """Return the rule that hold, move and phases exclude each other, and what else holds where none is there."""
    rule = otherwise
    for action in reversed(ACTIONS):
        forbidden = ACTIONS[ACTIONS.index(action) + 1 :] + (() if action == "hold" else tuple(only_of_hold))
        rule = _if(_has(action), then={"properties": dict.fromkeys(forbidden, False)}, otherwise=rule)
    return rule


def _phrases() -> Schema:
    """Return the phrases that there are, each with what it stands for and the placeholders that it may have."""
    return {
        "additionalProperties": False,
        "properties": {key: _phrase(text) for key, text in phrases_for("en").say.items()},
    }


def _phrase(built_in: str) -> Schema:
    placeholders = dict.fromkeys((*PLACEHOLDERS, *re.findall(r"\{(\w+)\}", built_in)))
    pattern = sentence_pattern(placeholders)
    return {"description": f"Instead of: {built_in}", "type": "string", "maxLength": LONGEST_TEXT, "pattern": pattern}


def _step() -> Schema:
    """Return the schema of a step: its kind is the first of the telling keys that it has."""
    kinds = [
        (kind, {"anyOf": [_has(key) for key in keys]} if len(keys) > 1 else _has(*keys))
        for kind, keys in STEP_KINDS.items()
    ]
    references = {kind: {"$ref": f"#/definitions/{kind}_step"} for kind in STEP_KINDS}
    rule = _has("exercise")
    for kind, condition in reversed(kinds):
        rule = _if(condition, then=references[kind], otherwise=rule)
    return {"type": "object", **_for_completion(*references.values()), **rule}


def _for_completion(*offered: Schema) -> Schema:
    """Return what editors offer keys and values from; as anything is allowed too, it refuses nothing."""
    return {"anyOf": [*offered, True]}


def _rewritten(schema: Schema, tables: dict[str, Schema]) -> Schema:
    """Return a part of pydantic's schema as TOML needs it: no null, no references but to steps, nothing said twice."""
    schema = _inlined(_written(schema), tables)
    if "oneOf" in schema:
        return _union(schema, tables)
    rewritten = {key: value for key, value in schema.items() if key not in {"title", "default"}}
    if "properties" in schema:
        rewritten["properties"] = {key: _rewritten(value, tables) for key, value in schema["properties"].items()}
    parts = [key for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]
    return {**rewritten, **{key: _rewritten(schema[key], tables) for key in parts}}


def _inlined(schema: Schema, tables: dict[str, Schema]) -> Schema:
    """Put a table in the place of its reference, whose own description wins."""
    if "$ref" not in schema:
        return schema
    table = tables[schema["$ref"].rpartition("/")[2]]
    return {**table, **{key: value for key, value in schema.items() if key != "$ref"}}


def _written(schema: Schema) -> Schema:
    """Leave out the null that stands for what was not written."""
    written = [branch for branch in schema.get("anyOf", ()) if branch != {"type": "null"}]
    if len(written) != 1:
        return schema
    return {**written[0], **{key: value for key, value in schema.items() if key != "anyOf"}}


def _union(schema: Schema, tables: dict[str, Schema]) -> Schema:
    """Return a reference for the union of steps; for a word or a list, a schema that says what is wrong with either."""
    if all("$ref" in branch for branch in schema["oneOf"]):
        return {"$ref": "#/definitions/step"}
    word, several = schema["oneOf"]
    pattern = f"^({'|'.join(word['enum'])})$"
    outer = {key: value for key, value in schema.items() if key not in {"oneOf", "title", "default"}}
    completion = _for_completion({"enum": word["enum"]})
    return {**outer, **_rewritten(several, tables), "type": ["string", "array"], "pattern": pattern, **completion}
