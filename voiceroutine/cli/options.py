"""Flags that several commands have, and what they mean together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from voiceroutine.personal import Side
    from voiceroutine.production import Production
    from voiceroutine.routine import Profile, Theme
    from voiceroutine.wishes import Wishes

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


class Duration(click.ParamType[str]):
    """A time, like "6m30s"; a plain number is of seconds. It stays as it was given."""

    name = "duration"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text as it was given."""
        try:
            if not duration_of(value):
                self.fail("must be longer than nothing", param, ctx)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return value


def duration_of(text: str) -> int:
    """Return the milliseconds of a duration as it is given to a flag.

    Raises:
        ValueError: it is none.
    """
    from voiceroutine.units import parse_duration

    return parse_duration(f"{text}s" if text.replace(".", "", 1).isdecimal() else text)


def listening_options(command: F) -> F:
    """Add the flags that change what is heard."""
    options = (
        click.option("--voice", metavar="ENGINE[:NAME]", help='Who speaks; "voiceroutine voices" lists them.'),
        click.option("--rate", type=click.IntRange(80, 400), metavar="WPM", help="Words a minute."),
        click.option("--language", type=Language(), metavar="TAG", help='Which translation of it, like "de".'),
        click.option("--profile", type=click.Choice(["bell", "quiet", "normal", "coach"]), help="How much is said."),
        click.option("--background", metavar="NAME|FILE", help="Under it all: brown-noise, drone, rain, or a file."),
        click.option("--no-background", is_flag=True, help="Nothing under it, whatever the routine says."),
        click.option("--chimes", type=click.Choice(["bells", "wood", "tones"]), help="Which set of chimes."),
        click.option("--from", "start", metavar="STEP", help="Begin at an exercise: its name, number or id."),
        click.option("--only", multiple=True, metavar="STEP", help="Do only these; several with commas, or repeated."),
        click.option("--skip", multiple=True, metavar="STEP", help="Leave these out."),
        click.option(
            "--minutes", type=click.FloatRange(0, 240, min_open=True), metavar="N", help="Fit it to so many minutes."
        ),
        click.option("--length", type=Duration(), metavar="TIME", help='The same to the second, like "6m30s".'),
        click.option(
            "--pace",
            type=click.FloatRange(0.5, 2),
            metavar="FACTOR",
            help="Gaps and speech slower (0.5 to 1) or faster (1 to 2).",
        ),
        click.option("--pace-all", is_flag=True, help="With --pace: holds and moves too."),
        click.option("--side-first", type=click.Choice(["left", "right"]), help="Which side comes first."),
        click.option("--hold", type=Duration(), metavar="TIME", help='Hold each stretch for so long, like "20s".'),
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
    routine: str, *, is_estimated: bool = False, tell: Callable[[str], None] = _tell, **flags: Any
) -> Production:
    """Load a routine with the listener's flags, fitted to a length; its voice is let go of when the command ends."""
    production = producer(wishes_of(**flags), no_limits=flags["no_limits"], is_estimated=is_estimated)(routine, tell)
    click.get_current_context().call_on_close(production.close)
    return production


def producer(
    wishes: Wishes, *, no_limits: bool, is_estimated: bool = False
) -> Callable[[str, Callable[[str], None]], Production]:
    """Return what loads a routine as it is wished, in any thread; whoever calls it closes what it returns."""
    insists = wishes.engine is not None and not _is_setting("voice")

    def produce(routine: str, tell: Callable[[str], None]) -> Production:
        from voiceroutine.clipcache import default_cache
        from voiceroutine.production import Production, load

        production = Production(
            load(routine, wishes),
            default_cache(),
            has_limits=not no_limits,
            insists=insists,
            tell=tell,
            start=wishes.start,
        )
        if wishes.length_ms is None:
            return production
        try:
            return production.fitted(wishes.length_ms, is_estimated=is_estimated)
        except BaseException:
            production.close()
            raise

    return produce


def wishes_of(
    *,
    voice: str | None,
    rate: int | None,
    language: str | None,
    profile: Profile | None,
    start: str | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    minutes: float | None,
    length: str | None,
    pace: float | None,
    pace_all: bool,
    side_first: Side | None,
    hold: str | None,
    background: str | None,
    no_background: bool,
    chimes: Theme | None,
    no_limits: bool,  # noqa: ARG001  of the flags, but no wish
) -> Wishes:
    """Return what the flags and the settings of the command that runs say."""
    from voiceroutine.settings import me
    from voiceroutine.wishes import Wishes

    if pace_all and pace is None:
        raise click.UsageError("--pace-all goes with a --pace, like --pace 0.8.")
    if background is not None and no_background:
        raise click.UsageError("--background wants something under it, and --no-background nothing; give one of them.")
    engine, _, name = (voice or "").partition(":")
    return Wishes(
        engine=engine or ("auto" if name else None),
        voice=name or None,
        rate_wpm=rate,
        language=language,
        profile=profile,
        is_language_needed=not _is_setting("language"),
        only=only,
        skip=skip,
        length_ms=_length_ms(minutes, length),
        pace=pace,
        paces_work=pace_all,
        side_first=side_first,
        hold_ms=None if hold is None else duration_of(hold),
        chimes=chimes,
        background=background,
        has_background=not no_background,
        start=start,
        never=me().never,
        settled=frozenset(filter(_is_setting, ("language", "profile", "pace", "side_first"))),
    )


def _length_ms(minutes: float | None, length: str | None) -> int | None:
    if minutes is not None and length is not None:
        raise click.UsageError("--minutes and --length are the same wish; give one of them.")
    if minutes is not None:
        return max(1, round(minutes * 60_000))
    return None if length is None else duration_of(length)
