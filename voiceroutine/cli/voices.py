"""`voiceroutine voices`."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from voiceroutine.routine import VoiceSettings
    from voiceroutine.voices import Choice, Probe, VoiceInfo


@click.command("voices")
@click.option("--all", "is_all", is_flag=True, help="List the voices of every language.")
@click.option("--language", default="en", metavar="TAG", help="Whose voices are listed, or speak.", show_default=True)
@click.option("--voice", metavar="ENGINE[:NAME]", help="Who says the text of --say.")
@click.option("--rate", type=click.IntRange(80, 400), metavar="WPM", help="How fast, in words a minute.")
@click.option("--say", metavar="TEXT", help="Say this aloud instead of listing anything.")
@click.option("--device", metavar="NAME", help="The sound device for --say, by name or number.")
@click.option(
    "--script", metavar="ROUTINE",
    help="List what is said in a routine, each line with the name of the file to record it in.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the list for programs.")
def command(say: str | None, script: str | None, is_all: bool, language: str, as_json: bool, **flags: Any) -> None:
    """List engines and voices, which one is used and why; or try one."""
    if say is not None:
        _say(say, language, **flags)
    elif script is not None:
        _list_lines(script)
    else:
        _list_voices("" if is_all else language, language, flags["voice"], as_json=as_json)


def _list_voices(listed: str, language: str, asked: str | None, *, as_json: bool) -> None:
    from voiceroutine.voices import engine_names

    choice = _chosen(_asked(asked, language))
    found = [(name, *_surveyed(name, listed)) for name in engine_names()]
    if as_json:
        click.echo(json.dumps(_data(choice, found), ensure_ascii=False, indent=1))
        return
    click.echo(f"Used: {choice.engine.name} ({choice.why})\n")
    for name, probe, voices in found:
        click.echo(f"{name}: {probe.reason}" if probe.ok else f"{name}: doesn't work: {probe.reason}")
        for voice in voices:
            click.echo(f"  {name}:{voice.name:<22} {voice.language}")
    if not any(voices for _, _, voices in found):
        click.echo(f'\nThere is no voice for the language "{language}". "voiceroutine voices --all" lists all.')


def _chosen(settings: VoiceSettings) -> Choice:
    """Return who speaks, even if that isn't who is asked for: the list is where another one is looked for."""
    from voiceroutine.casting import stand_in
    from voiceroutine.errors import VoiceError
    from voiceroutine.voices import choose_engine

    try:
        return choose_engine(settings)
    except VoiceError as error:
        if settings.engine == "auto" and settings.name is None:
            raise
        return stand_in(settings, error)


def _data(choice: Choice, found: Iterable[tuple[str, Probe, Sequence[VoiceInfo]]]) -> dict[str, Any]:
    engines = [
        {
            "engine": name,
            "works": probe.ok,
            "reason": probe.reason,
            "voices": [{"name": voice.name, "language": voice.language} for voice in voices],
        }
        for name, probe, voices in found
    ]
    return {"used": choice.engine.name, "why": choice.why, "engines": engines}


def _surveyed(engine: str, language: str) -> tuple[Probe, Sequence[VoiceInfo]]:
    from voiceroutine.voices import survey

    probe, voices = survey(engine)
    return probe, [voice for voice in voices if not language or _is_of(voice, language)]


def _is_of(voice: VoiceInfo, language: str) -> bool:
    return voice.language == "und" or _first_part(voice.language) == _first_part(language)


def _first_part(language: str) -> str:
    return language.split("-", maxsplit=1)[0].lower()


def _say(text: str, language: str, *, voice: str | None, rate: int | None, device: str | None) -> None:
    from voiceroutine.clipcache import default_cache
    from voiceroutine.cues import Utterance
    from voiceroutine.narration import Narrator
    from voiceroutine.player import play_samples
    from voiceroutine.sinks.device import open_device
    from voiceroutine.voices import choose_engine

    settings = _settings(voice, rate, language)
    choice = choose_engine(settings)
    narrator = Narrator(choice.engine, default_cache(), tell=partial(click.echo, err=True))
    click.get_current_context().call_on_close(narrator.close)
    samples = narrator.samples(Utterance(text=text, voice=settings))
    click.echo(f"{choice.engine.name} ({choice.why}): {len(samples) / 48_000:.1f} s")
    play_samples(samples, partial(open_device, device))


def _settings(voice: str | None, rate: int | None, language: str) -> VoiceSettings:
    from dataclasses import replace

    from voiceroutine.phrases import has_phrases, languages

    if not has_phrases(language):
        raise click.UsageError(f'There are no phrases for "{language}"; there are: {", ".join(languages())}.')
    asked = _asked(voice, language)
    return replace(asked, rate_wpm=rate or asked.rate_wpm)


def _asked(voice: str | None, language: str) -> VoiceSettings:
    from voiceroutine.routine import VoiceSettings

    engine, _, name = (voice or "auto").partition(":")
    return VoiceSettings(engine=engine or "auto", name=name or None, language=language)


def _list_lines(routine: str) -> None:
    for name, text in _lines(routine):
        click.echo(f"{name}\t{text}")


def _lines(routine: str) -> Iterator[tuple[str, str]]:
    from voiceroutine.production import Production, load
    from voiceroutine.voices.recordings import file_name

    for text in Production(load(routine)).texts():
        yield file_name(text), text
