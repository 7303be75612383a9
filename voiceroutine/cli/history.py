"""`voiceroutine history`."""

from __future__ import annotations

import csv
import io
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voiceroutine.history import Entry, Week

SHOWN = 20
CSV_HEAD = ("begun", "title", "routine", "done_s", "total_s", "exercises_done", "exercises", "ended")
# A spreadsheet takes a text that begins so for a formula, and a routine comes from anybody.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


@click.command("history")
@click.option("--all", "is_all", is_flag=True, help=f"List all sessions instead of the newest {SHOWN}.")
@click.option(
    "--csv", "csv_file", metavar="FILE", help='Write all of them as a table, the oldest first; "-" prints it.'
)
@click.option("--json", "as_json", is_flag=True, help="Print all of them for programs.")
@click.option("--clear", "is_clearing", is_flag=True, help="Remove the log.")
@click.option("--yes", is_flag=True, help="Don't ask before it is removed.")
def command(is_all: bool, csv_file: str | None, as_json: bool, is_clearing: bool, yes: bool) -> None:
    """Show the log of your sessions: what, when, and how much of it was done.

    Nothing is logged before "voiceroutine config history on", and the log never leaves this machine.
    """
    if as_json and csv_file is not None:
        raise click.UsageError("--json prints the log and --csv writes it as a table; give one of them.")
    if is_clearing:
        _clear(is_sure=yes)
        return
    from voiceroutine.history import log_file, read
    from voiceroutine.settings import keeps_history

    entries = read()
    if as_json:
        _print_json(entries, log_file(), is_on=keeps_history())
    elif csv_file is not None:
        _write_csv(entries, csv_file)
    elif entries:
        for line in _page(entries, datetime.now().astimezone(), SHOWN if not is_all else len(entries)):
            click.echo(line)
    elif keeps_history():
        click.echo("There is no session in the log yet.")
    if not (entries or keeps_history() or as_json or csv_file):
        click.echo('No log of sessions is kept. To keep one on this machine: "voiceroutine config history on"')


def _page(entries: Sequence[Entry], now: datetime, most: int) -> Iterator[str]:
    from voiceroutine.history import calendar

    yield from _calendar_lines([*calendar(entries, now)])
    yield ""
    yield from _table_lines(entries[::-1][:most])
    if len(entries) > most:
        yield f'\nand {len(entries) - most:,} earlier: "voiceroutine history --all" lists them too.'


def _calendar_lines(weeks: Sequence[Week]) -> Iterator[str]:
    yield "Sessions a day"
    yield "Week from   Mo Tu We Th Fr Sa Su   days"
    for week in weeks:
        days = " ".join(f"{_count_text(count):>2}" for count in week.counts)
        yield f"{week.monday}  {days}   {sum(1 for count in week.counts if count):>4}"


def _count_text(count: int | None) -> str:
    return "" if count is None else str(count) if count else "."


def _table_lines(entries: Sequence[Entry]) -> Iterator[str]:
    rows = [("Begun", "Done", "Exercises", "Ended", "Routine"), *map(_row, entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        yield "  ".join([*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[4]])


def _row(entry: Entry) -> tuple[str, str, str, str, str]:
    from voiceroutine.errors import visible
    from voiceroutine.units import clock_text

    done = f"{clock_text(entry.done_ms)} of {clock_text(entry.total_ms)}"
    exercises = f"{entry.exercises_done} of {entry.exercises}"
    return f"{entry.begun:%Y-%m-%d %H:%M}", done, exercises, entry.ended, visible(entry.title)


def _print_json(entries: Sequence[Entry], log: Path, *, is_on: bool) -> None:
    from voiceroutine.history import as_data

    sessions = [as_data(entry) for entry in reversed(entries)]
    data = {"file": str(log), "is_on": is_on, "sessions": sessions}
    click.echo(json.dumps(data, ensure_ascii=False, indent=1))


def _write_csv(entries: Sequence[Entry], file: str) -> None:
    from voiceroutine.beside import told, written_beside

    if file == "-":
        click.echo(_csv_text(entries), nl=False)
        return
    with told(Path(file), "--csv"), written_beside(Path(file)) as part:
        part.write_text(_csv_text(entries), encoding="utf-8", newline="")
    click.echo(f"{file}: {_counted(len(entries))}.")


def _csv_text(entries: Sequence[Entry]) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(CSV_HEAD)
    for entry in entries:
        begun = entry.begun.isoformat(timespec="seconds")
        texts = (begun, _harmless(entry.title), _harmless(entry.routine))
        seconds = (f"{entry.done_ms / 1000:g}", f"{entry.total_ms / 1000:g}")
        writer.writerow((*texts, *seconds, entry.exercises_done, entry.exercises, entry.ended))
    return table.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


def _counted(sessions: int) -> str:
    return f"{sessions:,} session" if sessions == 1 else f"{sessions:,} sessions"


def _clear(*, is_sure: bool) -> None:
    from voiceroutine.history import clear, log_file, read

    sessions, log = _counted(len(read())), log_file()
    if not log.exists():
        click.echo("There is no log.")
        return
    if not is_sure and not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask in; to remove the log, add --yes.")
    if is_sure or click.confirm(f"Remove the log of {sessions}, {log}?"):
        clear()
        click.echo(f"Removed the log of {sessions}, {log}")
    else:
        click.echo("Nothing was removed.")
