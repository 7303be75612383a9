"""The bundled and the user's own exercises and routines, found by name and by language.

A translation stands in a folder of its language: `de/neck-cooldown.toml`. A translated `de/exercises.toml` has only the
words; the doses are those of `exercises.toml` beside the folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from voiceroutine.bundled import bundled_folder as bundled_folder  # noqa: PLC0414  found here by those who ask
from voiceroutine.document import Document, read_document, shown
from voiceroutine.errors import Location, Problem, RoutineError, did_you_mean
from voiceroutine.phrases import beginnings, has_phrases, languages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from voiceroutine import model

EXERCISES_FILE = "exercises.toml"
SPOKEN_KEYS = ("instruction", "cue", "caution")


def user_folder() -> Path:
    """Return the folder of the user's own routines and `exercises.toml`."""
    import platformdirs

    return platformdirs.user_config_path("voiceroutine", appauthor=False) / "routines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Folders of routines and exercises, the most important first; the last one's are in English."""

    folders: Sequence[Path]

    def routine_files(self) -> Mapping[str, Path]:
        """Return every routine's file by its name; an earlier folder's wins."""
        found: dict[str, Path] = {}
        for folder in self.folders:
            for file in sorted(folder.glob("[!.]*.toml")):
                if file.name != EXERCISES_FILE and file.is_file():
                    found.setdefault(file.stem, file)
        return dict(sorted(found.items()))

    def find(self, name_or_path: str, language: str | None = None) -> Path:
        """Return the file of a routine given by path or by name: where a language is wished, rather its translation.

        Raises:
            RoutineError: there is neither.
        """
        return self.versions(name_or_path, language)[0]

    def versions(self, name_or_path: str, language: str | None = None) -> Sequence[Path]:
        """Return the files of a routine, its translations into the wished language before the original.

        Raises:
            RoutineError: there is none.
        """
        path = Path(name_or_path)
        if self._is_name(path):
            name = f"{name_or_path}.toml"
            found = [file for folder in self.folders for file in _in_language(folder, name, language)]
            return found if found and name != EXERCISES_FILE else self._missing(name_or_path)
        return [*_in_language(path.parent, path.name, language)] or [path]

    def languages(self, name_or_path: str) -> Sequence[str]:
        """Return the languages into which a routine is translated, by their folders."""
        path = Path(name_or_path)
        name = f"{path}.toml" if self._is_name(path) else path.name
        folders = self.folders if self._is_name(path) else (path.parent,)
        found = {file.parent.name for folder in folders for file in _translations(folder, name)}
        return sorted(found)

    def exercises(self, language: str | None = None) -> model.Entries:
        """Return the entries of every exercise id, the most important first: a folder's translations, then its own.

        Raises:
            RoutineError: a file of exercises is wrong.
        """
        from voiceroutine import mistakes, model

        found: dict[str, list[model.ExerciseEntry]] = {}
        for document in reversed([*self._exercise_documents(language)]):
            examined = mistakes.examine(document, model.LibraryFile)
            entries = examined.table.exercises
            more = mistakes.entry_problems(document, entries, found, examined.partial)
            problems = [*examined.problems, *more][: mistakes.MOST_PROBLEMS]
            if problems:
                raise mistakes.refusal(problems)
            for entry in entries:
                found.setdefault(entry.id, []).insert(0, entry)
        return found

    def exercise_names(self) -> frozenset[str]:
        """Return the id of every exercise, and its name in every language.

        Raises:
            RoutineError: a file of exercises is wrong.
        """
        entries = [entry for tag in languages() for some in self.exercises(tag).values() for entry in some]
        return frozenset(name for entry in entries for name in (entry.id, entry.name) if name)

    def english_texts(self) -> Mapping[str, Mapping[str, str]]:
        """Return what the original entries of the last folder say: by id, then by key."""
        file = self.folders[-1] / EXERCISES_FILE
        entries = read_document(file).data.get("exercises", ()) if file.is_file() else ()
        return {entry["id"]: {key: entry[key] for key in SPOKEN_KEYS if key in entry} for entry in entries}

    def _exercise_documents(self, language: str | None) -> Iterator[Document]:
        for folder in self.folders:
            for file in _in_language(folder, EXERCISES_FILE, language):
                yield read_document(file)

    def _is_name(self, path: Path) -> bool:
        if _exists(path, Path.is_file) or path.suffix == ".toml" or len(path.parts) != 1:
            return False
        return str(path) in self.routine_files() or not _exists(path, Path.exists)

    def _missing(self, name: str) -> NoReturn:
        translated = self.languages(name)
        hint = f"there is one in {', '.join(translated)}: add --language {translated[0]}" if translated else ""
        hint = hint or did_you_mean(name, self.routine_files())
        hint = hint or 'see "voiceroutine routines" for those that there are'
        message = "there is no such file, and no routine of that name"
        raise RoutineError([Problem(where=Location(file=shown(name)), message=message, hint=hint)])


def _in_language(folder: Path, name: str, language: str | None) -> Iterator[Path]:
    """Yield the files of a name that are there: in the folders of a language, then in the folder itself."""
    tags = () if language is None else beginnings(language)
    yield from (file for tag in (*tags, "") if _exists(file := folder / tag / name, Path.is_file))


def _translations(folder: Path, name: str) -> Iterator[Path]:
    for inner in sorted(folder.iterdir()) if _exists(folder, Path.is_dir) else ():
        if has_phrases(inner.name) and _exists(inner / name, Path.is_file):
            yield inner / name


def _exists(path: Path, does: Callable[[Path], bool]) -> bool:
    try:
        return does(path)
    except (OSError, ValueError):
        return False


def default_library() -> Library:
    """Return the user's own folder before the bundled one."""
    return Library(folders=(user_folder(), bundled_folder("routines")))
