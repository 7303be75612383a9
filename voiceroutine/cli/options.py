"""Flags that several commands have, and what they mean together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from voiceroutine.production import Production
    from voiceroutine.routine import Profile

DEFAULT_ROUTINE = "neck-cooldown"

F = TypeVar("F", bound="Callable[..., Any]")


class Language(click.ParamType[str]):
    """A BCP 47 tag of a language that there are phrases for."""

    name = "tag"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the tag as it was given."""
        from voiceroutine.phrases import has_phrases, languages

        if not has_phrases(value):
            self.fail(f'there are no phrases for "{value}"; there are: {", ".join(languages())}', param, ctx)
        return value


def listening_options(command: F) -> F:
    """Add the flags that change what is heard."""
    options = (
        click.option("--voice", metavar="ENGINE[:NAME]", help='Who speaks; "voiceroutine voices" lists them.'),
        click.option("--rate", type=click.IntRange(80, 400), metavar="WPM", help="Words a minute."),
        click.option("--language", type=Language(), metavar="TAG", help='Which translation of it, like "de".'),
        click.option("--profile", type=click.Choice(["bell", "quiet", "normal", "coach"]), help="How much is said."),
        click.option("--from", "start", metavar="STEP", help="Begin at an exercise: its name, number or id."),
        click.option("--only", multiple=True, metavar="STEP", help="Do only these; several with commas, or repeated."),
        click.option("--skip", multiple=True, metavar="STEP", help="Leave these out."),
        click.option("--no-limits", is_flag=True, help="Allow more than 4 hours or 5,000 intervals."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _is_setting(flag: str) -> bool:
    """Whether the value of a flag is one that the user has settled once and for all, and not for this routine."""
    return click.get_current_context().get_parameter_source(flag) is click.core.ParameterSource.DEFAULT_MAP


def _tell(message: str) -> None:
    click.echo(message, err=True)


def produced(
    routine: str,
    *,
    voice: str | None,
    rate: int | None,
    language: str | None,
    profile: Profile | None,
    start: str | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    no_limits: bool,
    tell: Callable[[str], None] = _tell,
) -> Production:
    """Load a routine with the listener's flags; its voice is let go of when the command ends."""
    produce = producer(
        voice=voice,
        rate=rate,
        language=language,
        profile=profile,
        start=start,
        only=only,
        skip=skip,
        no_limits=no_limits,
    )
    production = produce(routine, tell)
    click.get_current_context().call_on_close(production.close)
    return production


def producer(
    *,
    voice: str | None,
    rate: int | None,
    language: str | None,
    profile: Profile | None,
    start: str | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    no_limits: bool,
) -> Callable[[str, Callable[[str], None]], Production]:
    """Return what loads a routine with the listener's flags, in any thread; whoever calls it closes what it returns."""
    is_language_needed = not _is_setting("language")
    is_voice_settled = _is_setting("voice")

    def produce(routine: str, tell: Callable[[str], None]) -> Production:
        from voiceroutine.clipcache import default_cache
        from voiceroutine.production import Production, Wishes, load

        engine, _, name = (voice or "").partition(":")
        wishes = Wishes(
            engine=engine or ("auto" if name else None),
            voice=name or None,
            rate_wpm=rate,
            language=language,
            profile=profile,
            is_language_needed=is_language_needed,
            only=only,
            skip=skip,
        )
        return Production(
            load(routine, wishes),
            default_cache(),
            has_limits=not no_limits,
            insists=wishes.engine is not None and not is_voice_settled,
            tell=tell,
            start=start,
        )

    return produce
