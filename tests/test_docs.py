"""The documents say what the program does: the reference is made from the model, and every example works."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft7Validator

from voiceroutine import model
from voiceroutine.document import parse_document
from voiceroutine.library import Library, bundled_folder
from voiceroutine.loading import load_routine
from voiceroutine.placeholders import PLACEHOLDERS
from voiceroutine.schema import SCHEMA_FILE

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from conftest import Ended

ROOT = Path(__file__).parent.parent
REFERENCE = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
LIBRARY = Library(folders=(bundled_folder("routines"),)).exercises()
VALIDATOR = Draft7Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def make_docs() -> ModuleType:
    spec = spec_from_file_location("make_docs", ROOT / "scripts" / "make_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_the_one_of_the_model(make_docs: ModuleType) -> None:
    hint = "run python scripts/make_docs.py, and read the difference"
    assert make_docs.reference() == REFERENCE, hint


def test_the_reference_has_every_key_of_the_format() -> None:
    tables = [table for table in vars(model).values() if isinstance(table, type) and issubclass(table, model.Table)]
    keys = {key for table in tables for key in table.written_keys()}
    assert len(keys) > 60
    assert {key for key in keys if f"| `{key}` |" not in REFERENCE} == set()
    assert {name for name in PLACEHOLDERS if f"| `{{{name}}}` |" not in REFERENCE} == set()


def examples() -> list[tuple[str, str]]:
    """Return every TOML example of the documents with its place."""
    return [
        (f"{file.name}:{text.count(chr(10), 0, match.start()) + 1}", match[1])
        for file in sorted((ROOT / "docs").glob("*.md"))
        for text in [file.read_text(encoding="utf-8")]
        for match in re.finditer(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    ]


EXAMPLES = examples()


def completed(text: str) -> str:
    """Give a part of a routine what a whole one has beside."""
    data = tomllib.loads(text)
    title = "" if "title" in data else 'title = "Example"\n'
    steps = "" if "steps" in data else '\n[[steps]]\nname = "Example"\nhold = "20s"\n'
    return title + text + steps


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 12


@pytest.mark.parametrize("text", [text for _, text in EXAMPLES], ids=[place for place, _ in EXAMPLES])
def test_an_example_works_as_it_stands(text: str) -> None:
    document = parse_document(completed(text))
    assert [error.message for error in VALIDATOR.iter_errors(document.data)] == []
    assert load_routine(document, LIBRARY).steps


def test_the_mistake_that_is_shown_is_told_so(command: Callable[..., Ended], tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "writing-a-routine.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```text\n(.*?)^```", guide, re.DOTALL | re.MULTILINE)
    file = tmp_path / "my-neck.toml"
    file.write_text('title = "My neck"\n\n[[steps]]\nexercise = "neck-stretch"\nhodl = "20s"\n')
    assert command("check", str(file)).out == f"{shown.replace('my-neck.toml', str(file))}1 routine: 1 error.\n"


def test_the_commands_that_are_shown_are_there(command: Callable[..., Ended]) -> None:
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "docs").glob("*.md")]
    named = {word for text in texts for word in re.findall(r"voiceroutine ([a-z]+)", text)}
    assert {"new", "check", "show", "play", "export", "schema"} <= named
    for name in sorted(named - {"is"}):
        assert command(name, "--help").status == 0, name
