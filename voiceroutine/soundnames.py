"""What a routine may call a sound: a bundled name, or a file in its folder or below. No file is looked at here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, Protocol

from voiceroutine import model
from voiceroutine.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from voiceroutine.document import Document, KeyPath
    from voiceroutine.errors import Problem

Use = Literal["chime", "background"]
Found = tuple[str, str]
"""What is wrong with a sound, and what to do about it."""

BUNDLED: Mapping[Use, tuple[str, ...]] = {"chime": model.CHIMES, "background": model.BACKGROUNDS}
EXAMPLES: Mapping[Use, str] = {"chime": "gong.wav", "background": "rain.mp3"}

_PUT_IT_BESIDE = 'put the file beside the routine, and write its name alone, like "gong.wav"'
_UNFIT = (
    (
        r"[A-Za-z][A-Za-z0-9+.-]*://.*|(?i:data|file|https?):.*", "is a web address",
        "download the sound into the routine's folder, and write the name of its file",
    ),
    (r"[/\\].*|[A-Za-z]:.*", "is an absolute path", _PUT_IT_BESIDE),
    (r"~.*", "is a path into a home folder", _PUT_IT_BESIDE),
    (r"(.*[/\\])?\.\.([/\\].*)?", "leads out of the routine's folder", _PUT_IT_BESIDE),
    (r".*\\.*", "has a backslash", 'folders are separated by /, like "sounds/gong.wav"'),
    (r".*:.*", "has a colon, which not every system allows", "give the file another name"),
)  # fmt: skip


class KnownSounds(Protocol):
    """Says whether a routine can use a sound."""

    def problem(self, name: str, use: Use) -> Found | None:
        """Return what is wrong with a sound and what to do about it, or None if it can be used."""


class BundledOnly:
    """No files, since nothing is known of the folder of the routine."""

    def problem(self, name: str, use: Use) -> Found | None:
        """Return what is wrong with a name."""
        if is_bundled(name, use):
            return None
        hint = f"there {_are(BUNDLED[use])}"
        return name_problem(name, use) or (f'"{name}" is a file, and this routine has no folder', hint)


BUNDLED_ONLY = BundledOnly()


def is_bundled(name: str, use: Use) -> bool:
    """Tell whether a sound comes with the package."""
    return name in BUNDLED[use]


def is_file(name: str) -> bool:
    """Tell whether a sound is meant to be a file beside the routine."""
    return bool(re.search(r"[./\\:~]", name))


def name_problem(name: str, use: Use) -> Found | None:
    """Return what is wrong with a name, whatever files there are."""
    if is_file(name):
        return _path_problem(name)
    return None if is_bundled(name, use) else unknown(name, use)


def _path_problem(name: str) -> Found | None:
    found = next(((message, hint) for pattern, message, hint in _UNFIT if re.fullmatch(pattern, name, re.DOTALL)), None)
    return (f'"{name}" {found[0]}', found[1]) if found else None


def unknown(name: str, use: Use, file: str = "a file beside the routine") -> Found:
    """Return what is wrong with a name that is none of the bundled ones, and no file.

    Args:
        name: what was written.
        use: what for.
        file: what else might have been named.
    """
    near = did_you_mean(name.lower(), BUNDLED[use])
    hint = f'{near or f"there {_are(BUNDLED[use])};"} or name {file}, like "{EXAMPLES[use]}"'
    if name in model.CHIMES:
        return f'"{name}" is a chime, not a background', hint
    if name in model.BACKGROUNDS:
        return f'"{name}" is a background, not a chime', hint
    return f'there is no {"sound" if use == "chime" else "background"} "{name}"', hint


def _are(names: Sequence[str]) -> str:
    return f"{'are' if len(names) > 1 else 'is'}: {', '.join(names)}"


def sound_problems(
    document: Document,
    written: model.RoutineFile,
    library: model.Entries,
    sounds: KnownSounds,
) -> Iterator[Problem]:
    """Yield what is wrong with the sounds that a routine names.

    Args:
        document: the file.
        written: what it says.
        library: for every exercise id its entries elsewhere; those may name bundled sounds only.
        sounds: what there is.
    """
    for path, name, use in _named(written):
        found = sounds.problem(name, use)
        if found:
            yield document.problem(path, *found)
    yield from _chimes_of_the_library(document, written, library)


def _chimes_of_the_library(document: Document, written: model.RoutineFile, library: model.Entries) -> Iterator[Problem]:
    own = {entry.id for entry in written.exercises}
    for path, step in written.exercise_steps():
        entries = library.get(step.exercise or "", ()) if step.exercise not in own else ()
        for name in [cue.chime for entry in entries for cue in entry.during or () if cue.chime]:
            if not is_bundled(name, "chime"):
                message = f'the library\'s "{step.exercise}" chimes with "{name}", which is not a bundled sound'
                yield document.problem((*path, "exercise"), message, 'give the step its own "during"')


def _named(written: model.RoutineFile) -> Iterator[tuple[KeyPath, str, Use]]:
    table = written.sounds
    for key in ("start", "end", "switch", "halfway", "tick", "finish"):
        if (name := getattr(table, key)) is not None:
            yield ("sounds", key), name, "chime"
    if table.background is not None:
        yield ("sounds", "background", "sound"), table.background.sound, "background"
    entries = [(("exercises", index), entry) for index, entry in enumerate(written.exercises)]
    for path, fields in [*entries, *written.exercise_steps()]:
        for index, cue in enumerate(fields.during or ()):
            if cue.chime is not None:
                yield (*path, "during", index, "chime"), cue.chime, "chime"
