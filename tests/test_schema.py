"""The JSON Schema and the loader say the same, wherever a schema can; the judge is a validator that isn't ours."""

from __future__ import annotations

import json
import math
import os
import re
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from pydantic import TypeAdapter
from test_mistakes import CASES, LIBRARY

from voiceroutine import model
from voiceroutine.document import Document, parse_document, path_text
from voiceroutine.errors import Problem, RoutineError
from voiceroutine.library import Library, bundled_folder
from voiceroutine.loading import load_routine
from voiceroutine.schema import SCHEMA_FILE, SCHEMA_ID, schema_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Ended

SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
VALIDATOR = Draft7Validator(SCHEMA)
FULL = tomllib.loads((Path(__file__).parent / "every-key.toml").read_text(encoding="utf-8"))
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "150"))

# What no schema can tell, by the loader's whole message.
OF_OTHER_PLACES = (
    r'there is no exercise ".*"',
    r'the id ".*" is used twice',
    r'there are no phrases for ".*"',
    r"\{\w+\} has no meaning here.*",
    r"\{\w+\} has a meaning only inside work",
    r"blocks are nested more than 8 deep",
    r'".*" is (before the start|after the end) of the work, which lasts .*',
    r"a breath of .* doesn't fit into work of .*",
    r"is (longer|shorter) than the hold of .*",
    r'".*" is a file, and this routine has no folder',
)
OF_UNICODE = (r"has no words",)
# What is counted from a text of several units, or below what a number of JSON can say.
OF_DURATIONS_IN_WORDS = (
    r".* is longer than 4 hours",
    r"must be 5 s or more, or \"off\"",
    r"must be between 1 s and 30 s",
)
OF_FINE_DURATIONS = (r".* is finer than a millisecond",)


def can_say(problem: Problem, data: dict[str, Any]) -> bool:
    """Tell whether a schema can find a problem that the loader finds."""

    def is_one_of(patterns: tuple[str, ...]) -> bool:
        return any(re.fullmatch(pattern, problem.message, re.DOTALL) for pattern in patterns)

    value = at_path(data, problem.where.path)
    if is_one_of(OF_DURATIONS_IN_WORDS):
        return not isinstance(value, str)
    if problem.message == "has neither hold, move nor phases":
        return "exercise" not in value
    if problem.message == "is missing" and re.fullmatch(r"exercises\[\d+\]\.name", problem.where.path):
        return False  # an entry of the library's id has the library's name
    if isinstance(value, float) and (math.isnan(value) or value.is_integer()):
        return not re.search("nan is not|finite|whole number", problem.message)
    if problem.message == "has no meaning here: only a hold is fitted to a length":
        return problem.where.path.startswith("steps") and any(
            key in at_path(data, _around(problem)) for key in ("move", "phases")
        )
    return not is_one_of(OF_OTHER_PLACES + OF_UNICODE + OF_FINE_DURATIONS)


def _around(problem: Problem) -> str:
    return problem.where.path.rpartition(".")[0]


def at_path(data: Any, path: str) -> Any:
    """Return the value at a path of the loader, or None where there is none."""
    for index, key in re.findall(r"\[(\d+)\]|([\w-]+)", path):
        try:
            data = data[int(index) if index else key]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def schema_paths(data: Any) -> list[str]:
    return [path_text(tuple(error.absolute_path)) for error in VALIDATOR.iter_errors(data)]


def loader_problems(data: dict[str, Any]) -> tuple[Problem, ...]:
    try:
        load_routine(Document(file="r.toml", data=data, lines=[""], line_starts=[0], spans=At()), LIBRARY)
    except RoutineError as error:
        return error.problems
    return ()


class At(dict[Any, tuple[int, int]]):
    """Places of every path, all the same one."""

    def __contains__(self, path: object) -> bool:
        return True

    def __missing__(self, path: object) -> tuple[int, int]:
        return 0, 0


def agreed(data: dict[str, Any]) -> None:
    """Assert that what the schema refuses the loader refuses, and the other way round where the schema can tell."""
    refused, problems = schema_paths(data), loader_problems(data)
    assert problems or not refused, f"only the schema refuses {refused}: {data}"
    for problem in problems:
        if can_say(problem, data):
            assert any(problem.where.path.startswith(path) for path in refused), f"only the loader: {problem}"


def test_the_shipped_file_is_the_one_of_the_model() -> None:
    hint = "run python scripts/make_docs.py, and read the difference"
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), hint


def test_it_is_a_schema_of_draft_7() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert SCHEMA["$id"] == SCHEMA_ID


def test_schema_prints_what_the_package_ships(command: Callable[..., Ended]) -> None:
    ended = command("schema")
    assert (ended.status, ended.out, ended.err) == (0, SCHEMA_FILE.read_text(encoding="utf-8"), "")


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every property with its path: a list for the schema itself, a dict for the rules that forbid a key."""
    for key, value in schema.get("properties", {}).items():
        yield f"{path}.{key}", value
        yield from properties(value, f"{path}.{key}")
        if "items" in value:
            yield from properties(value["items"], f"{path}.{key}")


PROPERTIES = [
    *properties(SCHEMA),
    *(found for name in SCHEMA["definitions"].items() for found in properties(*name[::-1])),
]


def test_every_key_is_described() -> None:
    assert len(PROPERTIES) > 100
    assert [path for path, schema in PROPERTIES if not schema.get("description")] == []


def test_every_table_refuses_unknown_keys() -> None:
    tables = [(path, schema) for path, schema in PROPERTIES if "properties" in schema]
    tables += [(path, schema["items"]) for path, schema in PROPERTIES if "properties" in schema.get("items", {})]
    tables += [(name, schema) for name, schema in SCHEMA["definitions"].items() if name != "step"]
    assert len(tables) > 15
    assert [path for path, schema in [("", SCHEMA), *tables] if schema["additionalProperties"] is not False] == []


@pytest.mark.parametrize(
    ("path", "schema"), [(path, schema) for path, schema in PROPERTIES if "examples" in schema], ids=lambda value: value
)
def test_examples_are_valid(path: str, schema: dict[str, Any]) -> None:
    validator = Draft7Validator({**schema, "definitions": SCHEMA["definitions"]})
    assert [error.message for example in schema["examples"] for error in validator.iter_errors(example)] == []


def test_examples_are_what_the_loader_reads() -> None:
    tables = [table for table in vars(model).values() if isinstance(table, type) and issubclass(table, model.Table)]
    checked = 0
    for table in tables:
        for field in table.model_fields.values():
            for example in field.examples or ():
                TypeAdapter(field.rebuild_annotation()).validate_python(example)
                checked += 1
    assert checked > 40


def test_a_routine_of_every_key_is_valid() -> None:
    assert schema_paths(FULL) == []
    assert [str(problem) for problem in loader_problems(FULL)] == []


BUNDLED = Library(folders=(bundled_folder("routines"),)).routine_files()


@pytest.mark.parametrize("name", BUNDLED)
def test_every_bundled_routine_is_valid(name: str) -> None:
    assert schema_paths(tomllib.loads(BUNDLED[name].read_text(encoding="utf-8"))) == []


def test_the_bundled_exercises_are_valid() -> None:
    library = tomllib.loads((bundled_folder("routines") / "exercises.toml").read_text(encoding="utf-8"))
    assert schema_paths({"title": "T", "steps": [{"rest": 1}], **library}) == []


BROKEN = {name: text for name, (text, _) in CASES.items() if not name.startswith("syntax")}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_refused_where_the_loader_refuses_it(text: str) -> None:
    agreed(dict(parse_document(text).data))


TEXTS = (
    "", " ", "…", "a\x07b", "a\u202eb", "a\nb", "日本", "Tilt.", "Tilt {side}.", "{sid}", "{", "}}", "{{}}", "{{name}",
    "{name:}", "{name!r}", "{{{name}}}", "{remaining}", "30s", "1m30s", "1.5s", "0s", "0.0s", "-5s", "-0s", "5 s", "5h",
    "4h", "241m", "1.2345s", "1.2000s", "1.5m", "0.00001m", ".5s", "5", "s", "1s1m", "50%", "050%", "100%", "99.999%",
    "0%", "-8s", "-50%", "off", "4s", "5s", "31s", "bell", "norml", "coach", "tick", "voice", "each",
    "alternate", "both", "neck-tilt", "zzz", "a--b", "en", "de-AT", "e", "a" * 81, "a" * 201, "a" * 2001,
    "0" * 40 + "5s", "Neck Tilt", "{things}",
)  # fmt: skip
NUMBERS = (
    0, 1, 2, 3, 4, 5, 10, 11, 30, 31, 80, 400, 401, 1000, 1001, 14_400, 14_401, -1, -5, -14_401, 10**30,
    0.0, -0.0, 1.5, 2.0, 0.001, 0.0001, 1e300, -1.5, 4.999, math.nan, math.inf, -math.inf,
)  # fmt: skip
KEYS = sorted({path.rpartition(".")[2] for path, _ in PROPERTIES} | {"hodl", "Hold", "excercise"})


def values() -> st.SearchStrategy[Any]:
    scalars = st.sampled_from(TEXTS) | st.sampled_from(NUMBERS) | st.booleans()
    tables = st.dictionaries(st.sampled_from(KEYS), scalars, max_size=3)
    return scalars | st.lists(scalars | tables, max_size=3) | tables


def containers(data: Any) -> Iterator[Any]:
    """Yield every table and list that has something in it."""
    if isinstance(data, (dict, list)) and data:
        yield data
        for part in data.values() if isinstance(data, dict) else data:
            yield from containers(part)


@st.composite
def mutations(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a valid routine with one or two things changed, added, renamed or taken out."""
    data = deepcopy(FULL)
    for _ in range(draw(st.integers(1, 2))):
        inside = draw(st.sampled_from([*containers(data)]))
        where = draw(st.sampled_from([*inside] if isinstance(inside, dict) else range(len(inside))))
        kind = draw(st.sampled_from(["change", "change", "add", "rename", "take out"]))
        if kind == "change" or (isinstance(inside, list) and kind != "take out"):
            inside[where] = draw(values())
        elif kind == "add":
            inside[draw(st.sampled_from(KEYS))] = draw(values())
        elif kind == "rename":
            inside[draw(st.sampled_from(KEYS))] = inside.pop(where)
        else:
            del inside[where]
    return data


@pytest.mark.slow
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutations())
def test_the_schema_and_the_loader_agree_about_anything(data: dict[str, Any]) -> None:
    if data:
        agreed(data)


@pytest.mark.parametrize("key", ["hold", "relax", "every", "at", "in"])
def test_the_schema_and_the_loader_agree_about_durations(key: str) -> None:
    for value in (*TEXTS, *NUMBERS):
        elsewhere: dict[str, dict[str, Any]] = {
            "every": {"cues": {"every": value}},
            "at": {"during": [{"at": value, "say": "Now."}]},
            "in": {"breath": {"in": value, "out": 4}},
        }
        written = elsewhere.get(key, {key: value})
        agreed({"title": "T", "steps": [{"name": "N", "hold": 20, **written}]})


@pytest.mark.parametrize("key", ["name", "instruction", "source", "exercise", "sides", "reps"])
def test_the_schema_and_the_loader_agree_about_values(key: str) -> None:
    for value in (*TEXTS, *NUMBERS):
        agreed({"title": "T", "steps": [{"name": "N", "hold": 5, key: value}]})
