"""Which voice a routine gets: what its file may ask for, and who stands in for a voice that isn't here.

A routine comes from anybody, so its file can name a folder or a voice file beside itself, but never a program to run.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from voiceroutine.errors import VoiceError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voiceroutine.document import Document
    from voiceroutine.errors import Problem
    from voiceroutine.routine import VoiceSettings
    from voiceroutine.voices import Choice


def asked_by_file(document: Document, voice: VoiceSettings) -> tuple[VoiceSettings, tuple[Problem, ...]]:
    """Return the voice that a file asks for, its paths made whole, and what of it is refused."""
    problem = next(_problems(document, voice), None)
    if problem is not None:
        engine = "auto" if voice.engine != "command" else voice.engine
        return replace(voice, engine=engine, name=None), (replace(problem, severity="warning"),)
    if voice.engine in {"recordings", "piper"} and voice.name:
        beside = Path(document.file).parent.absolute() / voice.name
        if voice.engine == "recordings" or beside.is_file():
            return replace(voice, name=str(beside)), ()
    return voice, ()


def _problems(document: Document, voice: VoiceSettings) -> Iterator[Problem]:
    from voiceroutine.voices import engine_names

    name = voice.name or ""
    if voice.engine != "auto" and voice.engine not in engine_names():
        hint = did_you_mean(voice.engine, engine_names()) or f"there are: auto, {', '.join(engine_names())}"
        message = f'there is no voice engine "{voice.engine}" on this machine'
        yield document.problem(("voice", "engine"), message, hint)
    elif voice.engine == "command" and name:
        message = "a routine can't name a program to run, so this is left out"
        hint = f"if you trust it, ask for it yourself: --voice 'command:{name}'"
        yield document.problem(("voice", "name"), message, hint)
    elif voice.engine in {"recordings", "piper"} and _leads_away(name):
        message = f'"{name}" leads out of the folder of the routine, so it is left out'
        hint = f"put it beside the routine, or ask for it yourself: --voice {voice.engine}:{name}"
        yield document.problem(("voice", "name"), message, hint)


def _leads_away(name: str) -> bool:
    path = Path(name)
    return path.is_absolute() or name.startswith("~") or ".." in path.parts or "\\" in name or ":" in name


def stand_in(voice: VoiceSettings, error: VoiceError) -> Choice:
    """Return who speaks instead of a voice that a routine asks for and that isn't here."""
    from voiceroutine.voices import choose_engine

    choice = choose_engine(replace(voice, engine="auto", name=None))
    return replace(choice, why=f"{str(error).rstrip('.')}; {choice.why}", is_stand_in=True)
