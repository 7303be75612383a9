"""Several routines at once: which files are meant, what is to be made of each, and making it side by side."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from glob import glob, has_magic
from pathlib import Path
from threading import Event, Lock
from time import time_ns
from typing import TYPE_CHECKING

from voiceroutine.errors import ExportError, SettingError, VoiceroutineError
from voiceroutine.exporting import SUFFIXES, Target, Wanted, check_path, check_target, export_files
from voiceroutine.exporting.companions import companions_of
from voiceroutine.exporting.unchanged import (
    Record,
    forget_record,
    inputs_of,
    keep_record,
    outputs_of,
    record_of,
    request_of,
    were_changed_since,
)
from voiceroutine.wishes import file_stem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from typing import Any

    from voiceroutine.production import Production

EXERCISES = "exercises.toml"
ROUTINE = ".toml"
LOOK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A routine and what is to be made of it."""

    routine: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How a job ended.

    Attributes:
        job: which one.
        records: of each target what is there now; nothing after a failure.
        fresh: those targets that were made, and weren't up to date.
        error: why it failed.
        messages: what its voice had to tell.
        changes: what is otherwise than in the routine.
    """

    job: Job
    records: tuple[Record, ...] = ()
    fresh: tuple[Target, ...] = ()
    error: Exception | None = None
    messages: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is wanted of every routine.

    Attributes:
        wanted: how files are to be.
        wishes: every flag that changes what comes out, for the record.
        produce: loads a routine; the function it is given gets each message about the voice.
        language: which translation is wished.
        settings_file: where the user's settings are.
        records: the folder of what is known of earlier exports; None keeps nothing.
        is_forced: whether everything is made again.
    """

    wanted: Wanted
    wishes: Mapping[str, Any]
    produce: Callable[[str, Callable[[str], None]], Production]
    settings_file: Path
    language: str | None = None
    records: Path | None = None
    is_forced: bool = False


class CanceledError(Exception):
    """Nobody waits for the files any more."""


def routines_meant(arguments: Sequence[str]) -> tuple[str, ...]:
    """Return the routines that names, files, folders and patterns stand for, in their order.

    Raises:
        SettingError: there is no routine in a folder, or none that a pattern fits.
    """
    return tuple(routine for argument in arguments for routine in _meant(argument))


def _meant(argument: str) -> Sequence[str]:
    from voiceroutine.library import default_library

    if Path(argument).is_dir():
        found = [str(file) for file in sorted(Path(argument).glob(f"[!.]*{ROUTINE}")) if file.name != EXERCISES]
        if not found and argument in default_library().routine_files():
            # Parts of the routine of that name are there, made by --split.
            return [argument]
        if not found:
            raise SettingError(f"There is no routine ({ROUTINE} file) in the folder {argument}.")
        return found
    if has_magic(argument) and not Path(argument).exists():
        found = [name for name in sorted(glob(argument)) if name.endswith(ROUTINE) and Path(name).name != EXERCISES]  # noqa: PTH207
        found = found or _names_like(argument)
        if not found:
            raise SettingError(f'No routine file, and no name of a routine, is like "{argument}".')
        return found
    return [argument]


def _names_like(pattern: str) -> list[str]:
    from fnmatch import fnmatchcase

    from voiceroutine.library import default_library

    return [name for name in default_library().routine_files() if fnmatchcase(name, pattern)]


def name_of(routine: str) -> str:
    """Return how the files of a routine are called, without a suffix."""
    return Path(routine).name.removesuffix(ROUTINE)


def jobs_of(
    routines: Sequence[str],
    *,
    output: Path | None,
    folder: Path | None,
    formats: Sequence[str],
    kinds: tuple[str, ...],
    is_split: bool,
    wanted: Wanted,
    chosen: Sequence[str] = (),
) -> tuple[Job, ...]:
    """Return what is to be made, once it is sure that it can be.

    Args:
        routines: names and paths.
        output: the file of the only routine.
        folder: where files go instead of the current folder.
        formats: suffixes; of none, that of the output, or MP3.
        kinds: of files beside the first format of each.
        is_split: whether each exercise becomes a file of its own.
        wanted: how files are to be.
        chosen: what of them is otherwise than in the routine, as their names tell.

    Raises:
        ExportError: a file can't be made there or so, or two would be the same.
    """
    if output is not None and not formats and not is_split:
        check_path(output)
    suffixes = tuple(formats) or ((output.suffix.lower(),) if output is not None and output.suffix else (".mp3",))
    jobs = []
    for routine in routines:
        base = _base(routine, output, folder, chosen)
        targets = [_target(base, suffix, is_split=is_split) for suffix in suffixes]
        targets[0] = replace(targets[0], beside=companions_of(base.with_name(base.name + suffixes[0]), kinds))
        jobs.append(Job(routine=routine, targets=tuple(targets)))
    for job in jobs:
        for target in job.targets:
            check_target(target, wanted)
    _check_that_all_differ(jobs)
    return tuple(jobs)


def _base(routine: str, output: Path | None, folder: Path | None, chosen: Sequence[str]) -> Path:
    """Return the path of a routine's files without their suffix."""
    if output is None:
        return (folder or Path()) / file_stem(name_of(routine), chosen)
    return output.with_suffix("") if output.suffix.lower() in SUFFIXES else output


def _target(base: Path, suffix: str, *, is_split: bool) -> Target:
    return Target(path=base if is_split else base.with_name(base.name + suffix), suffix=suffix, is_split=is_split)


def _check_that_all_differ(jobs: Sequence[Job]) -> None:
    seen: dict[str, str] = {}
    for job in jobs:
        for target in job.targets:
            for path in (target.path, *(one.path for one in target.beside)):
                # Case alone doesn't tell files apart everywhere.
                other = seen.setdefault(str(path.resolve()).casefold(), job.routine)
                if other is not job.routine:
                    raise ExportError(f"{path} would be made twice: of {other} and of {job.routine}. Rename one.")


def up_to_date(job: Job, order: Order) -> tuple[Record | None, ...]:
    """Return for each target of a job what is known of it, if it need not be made again."""
    if order.is_forced or order.records is None:
        return (None,) * len(job.targets)
    return tuple(_known(job, target, order, order.records) for target in job.targets)


def _known(job: Job, target: Target, order: Order, records: Path) -> Record | None:
    record = record_of(target, records)
    if record is None:
        return None
    request = request_of(job.routine, target, order.wishes, order.settings_file)
    return record if record.is_true(request) else None


class Crew:
    """Makes jobs side by side, one a core.

    Args:
        order: what is wanted of each.
        progress: told how much of all jobs is done, from 0 to 1.
    """

    def __init__(self, order: Order, progress: Callable[[float], None]) -> None:
        self._order = order
        self._progress = progress
        self._lock = Lock()
        self._done: dict[int, float] = {}
        self._canceled = Event()
        self._speaking: dict[int, Production] = {}
        self._count = 1

    def make(self, jobs: Sequence[Job]) -> Iterator[Made]:
        """Make every job, and yield how each ended, in their order; one that fails doesn't stop the others."""
        self._count = max(1, len(jobs))
        waiting: dict[int, Job] = {}
        made: dict[int, Made] = {}
        for number, job in enumerate(jobs):
            known = up_to_date(job, self._order)
            if all(known):
                made[number] = Made(job=job, records=tuple(one for one in known if one))
                self._tell(number, 1.0)
            else:
                waiting[number] = job
        yield from self._in_order(len(jobs), made, waiting)

    def _in_order(self, count: int, made: dict[int, Made], waiting: Mapping[int, Job]) -> Iterator[Made]:
        if not waiting:
            yield from (made[number] for number in range(count))
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max(1, min(len(waiting), os.cpu_count() or 1)), "export") as pool:
            running = {pool.submit(self._made, number, job): number for number, job in waiting.items()}
            try:
                for number in range(count):
                    while number not in made:
                        self._collect(running, made)
                    yield made.pop(number)
            except BaseException:
                self._cancel()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _collect(self, running: dict[Future[Made], int], made: dict[int, Made]) -> None:
        from concurrent.futures import FIRST_COMPLETED, wait

        # With a limit, an interrupt is noticed while it waits on every system.
        for future in wait(running, LOOK_S, FIRST_COMPLETED).done:
            made[running.pop(future)] = future.result()

    def _made(self, number: int, job: Job) -> Made:
        messages: list[str] = []
        try:
            return self._exported(number, job, messages)
        except Exception as error:  # noqa: BLE001  told at the end, in the order of the jobs
            return Made(job=job, error=error, messages=tuple(messages))
        finally:
            self._tell(number, 1.0)

    def _exported(self, number: int, job: Job, messages: list[str]) -> Made:
        order, began_ns = self._order, time_ns()
        known = up_to_date(job, order)
        fresh = [target for target, record in zip(job.targets, known, strict=True) if record is None]
        earlier = [record_of(target, order.records) if order.records else None for target in fresh]
        if order.records:
            for target in fresh:
                forget_record(target, order.records)
        production = order.produce(job.routine, messages.append)
        with self._lock:
            self._speaking[number] = production
        try:
            inputs = inputs_of(job.routine, production, order.language, order.settings_file) if order.records else None
            report = export_files(production, fresh, order.wanted, lambda done: self._tell(number, done))
        finally:
            with self._lock:
                self._speaking.pop(number)
            production.close()
        new = iter(
            Record(
                request=request_of(job.routine, target, order.wishes, order.settings_file),
                inputs=inputs or (),
                outputs=outputs_of(report, place),
                duration_ms=report.duration_ms,
                loudness=report.loudness,
            )
            for place, target in enumerate(fresh)
        )
        records = tuple(record or next(new) for record in known)
        for target, before, made in zip(fresh, earlier, report.files, strict=True):
            if target.is_split and before:
                before.remove_outputs_but(str(one.path.absolute()) for one in made)
        # What was told, as that another voice speaks, would not be told of a file that is up to date.
        if order.records and inputs and not messages and not were_changed_since(inputs, began_ns):
            for target, record in zip(job.targets, records, strict=True):
                if target in fresh:
                    keep_record(target, record, order.records)
        changes = tuple(change.text for change in production.routine.changes)
        return Made(job=job, records=records, fresh=tuple(fresh), messages=tuple(messages), changes=changes)

    def _cancel(self) -> None:
        """Let nobody speak or write any further."""
        self._canceled.set()
        with self._lock:
            speaking = [*self._speaking.values()]
        for production in speaking:
            production.close()

    def _tell(self, number: int, done: float) -> None:
        if self._canceled.is_set():
            raise CanceledError
        with self._lock:
            self._done[number] = done
            self._progress(sum(self._done.values()) / self._count)


def exit_status_of(ended: Sequence[Made]) -> int:
    """Return 0 if all went well; if all failed in the same way, that error's status; else that of a failed export."""
    failures = [one.error for one in ended if one.error]
    if not failures:
        return 0
    statuses = {error.exit_status if isinstance(error, VoiceroutineError) else 1 for error in failures}
    return statuses.pop() if len(failures) == len(ended) and len(statuses) == 1 else ExportError.exit_status
