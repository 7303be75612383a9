"""The bundled and the user's own exercises and routines, found by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voiceroutine import mistakes, model
from voiceroutine.document import Document, read_document, shown
from voiceroutine.errors import Location, Problem, RoutineError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

EXERCISES_FILE = "exercises.toml"


def bundled_folder(name: str) -> Path:
    """Return the folder `routines` or `audio`: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parent
    installed = package / "bundle" / name
    return installed if installed.is_dir() else package.parent / name


def user_folder() -> Path:
    """Return the folder of the user's own routines and `exercises.toml`."""
    import platformdirs

    return platformdirs.user_config_path("voiceroutine", appauthor=False) / "routines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Folders of routines and exercises, the most important first."""

    folders: Sequence[Path]

    def routine_files(self) -> Mapping[str, Path]:
        """Return every routine's file by its name; an earlier folder's wins."""
        found: dict[str, Path] = {}
        for folder in self.folders:
            for file in sorted(folder.glob("[!.]*.toml")):
                if file.name != EXERCISES_FILE and file.is_file():
                    found.setdefault(file.stem, file)
        return dict(sorted(found.items()))

    def find(self, name_or_path: str) -> Path:
        """Return the file of a routine given by path or by name.

        Raises:
            RoutineError: there is neither.
        """
        path = Path(name_or_path)
        named = self.routine_files().get(name_or_path)
        if named is not None and not _exists(path, Path.is_file):
            return named
        if path.suffix == ".toml" or len(path.parts) > 1 or _exists(path, Path.exists):
            return path
        hint = did_you_mean(name_or_path, self.routine_files())
        hint = hint or 'see "voiceroutine routines" for those that there are'
        message = "there is no such file, and no routine of that name"
        raise RoutineError([Problem(where=Location(file=shown(name_or_path)), message=message, hint=hint)])

    def exercises(self) -> Mapping[str, Sequence[model.ExerciseEntry]]:
        """Return the entries of every exercise id, the most important first.

        Raises:
            RoutineError: a file of exercises is wrong.
        """
        found: dict[str, list[model.ExerciseEntry]] = {}
        for document in reversed([*self._exercise_documents()]):
            examined = mistakes.examine(document, model.LibraryFile)
            entries = examined.table.exercises
            more = mistakes.entry_problems(document, entries, found, examined.partial)
            problems = [*examined.problems, *more][: mistakes.MOST_PROBLEMS]
            if problems:
                raise mistakes.refusal(problems)
            for entry in entries:
                found.setdefault(entry.id, []).insert(0, entry)
        return found

    def _exercise_documents(self) -> Iterator[Document]:
        for folder in self.folders:
            file = folder / EXERCISES_FILE
            if file.is_file():
                yield read_document(file)


def _exists(path: Path, does: Callable[[Path], bool]) -> bool:
    try:
        return does(path)
    except (OSError, ValueError):
        return False


def default_library() -> Library:
    """Return the user's own folder before the bundled one."""
    return Library(folders=(user_folder(), bundled_folder("routines")))
