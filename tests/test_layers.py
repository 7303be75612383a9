"""The direction of imports: a lower layer never knows a higher one."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import voiceroutine

PACKAGE = Path(voiceroutine.__file__).parent
LAYERS = (
    ("errors", "units", "document", "wav", "beside", "locks", "bundled"),
    (
        "phrases",
        "reading",
        "placeholders",
        "model",
        "mistakes",
        "soundnames",
        "schema",
        "routine",
        "loading",
        "library",
        "writing",
        "drafts",
        "audio",
        "words",
        "recordings",
        "clipcache",
        "settings",
        "turns",
    ),
    ("unroll", "cues", "levels", "sounds", "breathtone"),
    ("timeline", "transport", "checks", "voices", "choosing"),
    ("flexible", "pacing"),
    ("fitting", "personal"),
    ("wishes",),
    ("narration", "speaking", "mix", "background", "outline", "history", "interrupted"),
    ("sinks", "casting", "production"),
    ("player", "score", "status", "remote", "mpris", "awake", "exporting", "importing", "pictures"),
    ("api", "cli", "__main__"),
)
FLOOR = {name: floor for floor, names in enumerate(LAYERS) for name in names}
PURE = (
    "document",
    "settings",
    "history",
    "interrupted",
    "model",
    "mistakes",
    "schema",
    "drafts",
    "placeholders",
    "phrases",
    "words",
    "reading",
    "routine",
    "loading",
    "library",
    "writing",
    "unroll",
    "cues",
    "levels",
    "timeline",
    "transport",
    "checks",
    "choosing",
    "flexible",
    "pacing",
    "fitting",
    "personal",
    "wishes",
)


def module_of(file: Path) -> str:
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("voiceroutine."):
            found.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.ImportFrom) and node.module == "voiceroutine":
            found |= {alias.name for alias in node.names if alias.name in FLOOR}
    return found


FILES = sorted(file for file in PACKAGE.rglob("*.py") if file != PACKAGE / "__init__.py" and "bundle" not in file.parts)


def test_every_module_has_a_layer() -> None:
    assert {module_of(file) for file in FILES} == set(FLOOR)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_no_module_knows_a_higher_one(file: Path) -> None:
    own = module_of(file)
    assert {name for name in imported(file) if FLOOR[name] > FLOOR[own]} == set()


def test_there_are_no_circles() -> None:
    graph = {name: set[str]() for name in FLOOR}
    for file in FILES:
        graph[module_of(file)] |= imported(file) - {module_of(file)}
    while leaves := [name for name, needs in graph.items() if not needs]:
        graph = {name: needs - set(leaves) for name, needs in graph.items() if name not in leaves}
    assert graph == {}


def modules_after(code: str) -> set[str]:
    ended = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(ended.stdout.split())


def test_the_format_and_the_timeline_need_no_numpy_and_no_click() -> None:
    loaded = modules_after("\n".join(f"import voiceroutine.{name}" for name in PURE))
    assert loaded & {"numpy", "click", "sounddevice", "soundfile", "rich"} == set()


def test_where_nothing_is_settled_finding_that_out_loads_little() -> None:
    loaded = modules_after("from voiceroutine.settings import current\ncurrent()")
    assert loaded & {"numpy", "pydantic", "tomllib", "tomlkit", "rich"} == set()


def test_importing_the_package_and_asking_for_help_load_nothing_heavy() -> None:
    loaded = modules_after(
        "import contextlib, io\nfrom voiceroutine.cli import run\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n    assert run(['--help']) == 0"
    )
    assert loaded & {"PIL", "numpy", "pydantic", "rich", "sounddevice", "soundfile", "platformdirs"} == set()
