"""Broken routines by the thousand: whatever is in a file, it is either a routine or a list of problems, and soon.

FUZZ_EXAMPLES=10000 pytest tests/test_fuzz.py      looks longer
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from voiceroutine.checks import dose_problems
from voiceroutine.document import parse_document
from voiceroutine.errors import RoutineError
from voiceroutine.library import Library, bundled_folder
from voiceroutine.loading import load_routine
from voiceroutine.production import Production

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "400"))
LONGEST_S = 2.0
EVERY_KEY = (Path(__file__).parent / "every-key.toml").read_text(encoding="utf-8")
VALUES = (
    '"30s"', "30", "-1", "0", "1e9", "nan", "-inf", '"-8s"', '"50%"', '""', '"{side}"', '"{next}"', "true", "[]", "{}",
    '[{ at = "1s", say = "x" }]', '["left", "right"]', '"each"', '"alternate"', '"bell"', '"coach"', "1000",
    "1000000000", '"../x.wav"', '"\\u202e"', '"\\u0000"', "1979-05-27", "'''", '"4h"', '"neck-tilt"', "[[1]]",
    '{ in = "1s", out = "1s" }', "0x7fffffffffffffff", "9" * 400, '"' + "a" * 2_001 + '"', "{ say = 'x' }",
    '{ every = "5s" }', "[[], {}]",
)  # fmt: skip
CHARACTERS = "[]{}=\"'\\#.,\n\t\r\0\x1b\u202e\ufeffé{}09aZ-"

Mutation = Callable[[Random, str], str]


def replace_value(random: Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    index = random.randrange(len(lines))
    key, equals, _ = lines[index].partition("=")
    lines[index] = f"{key}= {random.choice(VALUES)}\n" if equals else lines[index]
    return "".join(lines)


def delete_line(random: Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    del lines[random.randrange(len(lines))]
    return "".join(lines)


def repeat_lines(random: Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    start = random.randrange(len(lines))
    end = min(len(lines), start + random.randint(1, 8))
    at = random.randrange(len(lines))
    return "".join(lines[:at] + lines[start:end] * random.randint(1, 3) + lines[at:])


def swap_keys(random: Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    (key, equals, value), (other_key, other_equals, other_value) = (
        lines[one].partition("="),
        lines[other].partition("="),
    )
    if equals and other_equals:
        lines[one], lines[other] = f"{other_key}={value}", f"{key}={other_value}"
    return "".join(lines)


def change_characters(random: Random, text: str) -> str:
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice(CHARACTERS) + text[at + random.randint(0, 2) :]
    return text


def cut(random: Random, text: str) -> str:
    return text[: random.randrange(len(text))]


MUTATIONS: tuple[Mutation, ...] = (
    replace_value,
    replace_value,
    delete_line,
    repeat_lines,
    swap_keys,
    change_characters,
    cut,
)


def bundled_texts() -> list[str]:
    files = Library(folders=(bundled_folder("routines"),)).routine_files().values()
    return [EVERY_KEY, EVERY_KEY, *(file.read_text(encoding="utf-8") for file in files)]


@pytest.mark.parametrize("seed", range(4))
def test_a_broken_file_is_a_routine_or_a_list_of_problems_and_soon(seed: int) -> None:
    random = Random(seed)
    texts, library = bundled_texts(), Library(folders=(bundled_folder("routines"),)).exercises()
    refused = 0
    for _ in range(EXAMPLES // 4):
        text = random.choice(texts)
        for _ in range(random.randint(1, 3)):
            text = random.choice(MUTATIONS)(random, text) if text else text
        started_s = time.monotonic()
        try:
            routine = load_routine(parse_document(text, "fuzzed.toml"), library)
            assert Production(routine).estimated_timeline().duration_ms > 0
            assert all(str(problem) for problem in dose_problems(routine))
        except RoutineError as error:
            refused += 1
            assert error.problems
            assert str(error).isprintable() or "\n" in str(error)
        assert time.monotonic() - started_s < LONGEST_S, text
    assert 0.2 < refused / (EXAMPLES // 4) < 0.99
