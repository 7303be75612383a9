"""What the user has settled once and for all: in the environment, or in a `config.toml` of their own.

Flags go before the environment, that before the file, the file before the routine. `play` needs them before it
opens a loudspeaker, so nothing here needs pydantic, and nothing that reads TOML is imported where there is no file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from voiceroutine.errors import Location, Problem, RoutineError, SettingError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from voiceroutine.document import Document

Value = str | int | bool
Source = Literal["environment", "file", "default"]

PROFILES = ("bell", "quiet", "normal", "coach")
RATE_WPM = (80, 400)
LONGEST_TEXT = 1_000
SIDES = ("left", "right")
PACES = (0.5, 2.0)
MOST_NEVER = 100

_LINES_HINT = 'a setting is a line like rate = 140, or voice = "espeak" with straight quotes'
_MOVE_HINT = 'mend it or move it away; "voiceroutine config NAME VALUE" begins a new one'


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Something that can be set.

    Attributes:
        name: as it is written in the file.
        otherwise: what holds where it isn't set.
        check: turns what is written in the file into its value; raises a ValueError, "what is wrong; what to do".
        written: turns words of the command line or the environment into what would be written in the file.
        text: turns a value into such words.
    """

    name: str
    otherwise: str
    check: Callable[[object], Value]
    written: Callable[[str], Value] = str
    text: Callable[[Value], str] = str

    @property
    def variable(self) -> str:
        """The environment variable that goes before the file."""
        return f"VOICEROUTINE_{self.name.upper()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The value of a setting and where it comes from.

    Attributes:
        setting: which one.
        value: durations in milliseconds; None if it isn't set.
        source: what kind of place it comes from.
        where: the name of the variable or of the file; empty for a default.
    """

    setting: Setting
    value: Value | None = None
    source: Source = "default"
    where: str = ""

    @property
    def text(self) -> str:
        """The value in words, or what holds without one."""
        return self.setting.otherwise if self.value is None else self.setting.text(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """What the user has written about themselves, in the table `[me]`.

    Attributes:
        never: ids or names of exercises that are never wanted.
        voice: the favourite, where no setting `voice` says another.
        side_first: which side comes first.
        pace: how fast gaps and speech are; 1 is as written.
    """

    never: tuple[str, ...] = ()
    voice: str | None = None
    side_first: Literal["left", "right"] | None = None
    pace: float | None = None

    def values(self) -> dict[str, str | float | tuple[str, ...]]:
        """Return what is written, by key."""
        pairs = ((name, getattr(self, name)) for name in ME)
        return {name: value for name, value in pairs if value not in (None, ())}


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Every setting, as far as it can be understood, and what can't be."""

    file: Path
    found: Mapping[str, Found]
    problems: tuple[Problem, ...]
    me: Me = Me()


def settings_file() -> Path:
    """Return where the user's settings are, or will be."""
    import platformdirs

    return platformdirs.user_config_path("voiceroutine", appauthor=False) / "config.toml"


def survey(environment: Mapping[str, str] = os.environ, file: Path | None = None) -> Survey:
    """Find every setting; what is wrong is told in `problems`, and counts as not set."""
    file = file or settings_file()
    found = {name: Found(setting=setting) for name, setting in SETTINGS.items()}
    problems: list[Problem] = []
    about_me: dict[str, object] = {}
    for one in (*_in_file(file), *_in_environment(environment)):
        if isinstance(one, Problem):
            problems.append(one)
        elif isinstance(one, Found):
            found[one.setting.name] = one
        else:
            about_me |= one
    return Survey(file=file, found=found, problems=tuple(problems), me=Me(**about_me))  # type: ignore[arg-type]


def current(environment: Mapping[str, str] = os.environ, file: Path | None = None) -> Mapping[str, Found]:
    """Return every setting by name.

    Raises:
        SettingError: with everything that is wrong with the file and the environment.
    """
    return _sound(survey(environment, file)).found


def me(environment: Mapping[str, str] = os.environ, file: Path | None = None) -> Me:
    """Return what the user has written about themselves.

    Raises:
        SettingError: with everything that is wrong with the file and the environment.
    """
    return _sound(survey(environment, file)).me


def _sound(surveyed: Survey) -> Survey:
    if surveyed.problems:
        raise SettingError("\n".join(map(str, surveyed.problems)))
    return surveyed


def keeps_history(environment: Mapping[str, str] = os.environ, file: Path | None = None) -> bool:
    """Return whether the user wants a log of sessions; not if the settings can't be understood."""
    return survey(environment, file).found["history"].value is True


def setting_named(name: str) -> Setting:
    """Return a setting; hyphens are as good as underscores.

    Raises:
        SettingError: there is none of that name.
    """
    from voiceroutine.document import shown

    found = SETTINGS.get(name.replace("-", "_"))
    if found is None:
        hint = did_you_mean(name.lower().replace("-", "_"), SETTINGS) or f"there are: {', '.join(SETTINGS)}"
        raise SettingError(f'There is no setting "{shown(name)}"; {hint}')
    return found


def value_to_write(setting: Setting, words: str) -> Value:
    """Return what is to be written in the file for some words of the command line.

    Raises:
        SettingError: they are no value of this setting.
    """
    try:
        written = setting.written(words)
        setting.check(written)
    except ValueError as error:
        raise SettingError(str(_problem(Location(file=setting.name), error))) from None
    return written


def readable_text(file: Path) -> str:
    """Return the text of a file of settings; empty if it isn't there.

    Raises:
        SettingError: it isn't TOML, so nothing can be changed in it.
    """
    from voiceroutine.document import read_bytes

    try:
        return read_bytes(file).decode("utf-8-sig") if _document(file) else ""
    except RoutineError as error:
        raise SettingError("\n".join(str(_about_settings(problem)) for problem in error.problems)) from None


def rewritten(text: str, name: str, value: Value | None) -> str:
    """Return the text of a file of settings with one of them set, or taken out; everything else stays as it is.

    Args:
        text: valid TOML.
        name: of the setting.
        value: as it is to be written; None takes it out.
    """
    import tomlkit

    line_end = "\r\n" if "\r\n" in text else "\n"
    document = tomlkit.parse(text.replace("\r\n", "\n"))
    if value is None:
        document.pop(name, None)
    else:
        document[name] = value
    return tomlkit.dumps(document).replace("\n", line_end)


def _in_environment(environment: Mapping[str, str]) -> Iterator[Found | Problem]:
    for setting in SETTINGS.values():
        words = environment.get(setting.variable)
        if words:
            try:
                value = setting.check(setting.written(words))
            except ValueError as error:
                yield _problem(Location(file=setting.variable), error)
            else:
                yield Found(setting=setting, value=value, source="environment", where=setting.variable)


def _in_file(file: Path) -> Iterator[Found | Problem | dict[str, object]]:
    try:
        document = _document(file)
    except RoutineError as error:
        yield from (_about_settings(problem) for problem in error.problems)
        return
    for name, written in document.data.items() if document else ():
        assert document is not None
        if name in SETTINGS:
            try:
                value = SETTINGS[name].check(written)
            except ValueError as error:
                yield _problem(document.location((name,)), error)
            else:
                yield Found(setting=SETTINGS[name], value=value, source="file", where=document.file)
        elif name == "me":
            yield from _about_me(document, written)
        else:
            hint = did_you_mean(name.lower(), SETTINGS) or f"known here: {', '.join(SETTINGS)}"
            yield document.problem((name,), f'unknown key "{name}"', hint)


def _about_me(document: Document, written: object) -> Iterator[Problem | dict[str, object]]:
    if not isinstance(written, dict):
        yield document.problem(
            ("me",), "must be a table", 'write [me] on a line of its own, and never = ["…"] below it'
        )
        return
    for name, value in written.items():
        if name not in ME:
            hint = did_you_mean(name.lower(), ME) or f"known here: {', '.join(ME)}"
            yield document.problem(("me", name), f'unknown key "{name}"', hint)
            continue
        try:
            yield {name: ME[name](value)}
        except ValueError as error:
            yield _problem(document.location(("me", name)), error)


def _document(file: Path) -> Document | None:
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        pass
    from voiceroutine.document import read_document

    return read_document(file)


def _about_settings(problem: Problem) -> Problem:
    """Say of a file of settings what is said of routines."""
    message = problem.message.replace("of a routine", "of settings")
    return replace(problem, message=message, hint=_LINES_HINT if problem.where.line else _MOVE_HINT)


def _problem(where: Location, error: ValueError) -> Problem:
    from voiceroutine.document import shown

    message, _, hint = str(error).partition("; ")
    return Problem(where=where, message=shown(message), hint=shown(hint))


def _text(written: object) -> str:
    if not isinstance(written, str):
        raise ValueError('must be text, in quotes: "…"')  # noqa: TRY004  told as every wrong value
    if not written.strip():
        raise ValueError("is empty; write a value, or take the line out")
    if len(written) > LONGEST_TEXT or not written.isprintable():
        raise ValueError(f"must be at most {LONGEST_TEXT:,} characters that can be seen")
    return written


def _rate(written: object) -> int:
    if isinstance(written, bool) or not isinstance(written, int):
        raise ValueError("must be a whole number, like 140")  # noqa: TRY004  told as every wrong value
    least, most = RATE_WPM
    if not least <= written <= most:
        raise ValueError(f"must be {least} or more" if written < least else f"must be {most} or less")
    return written


def _language(written: object) -> str:
    from voiceroutine.phrases import has_phrases, languages

    tag = _text(written)
    if not has_phrases(tag):
        raise ValueError(f'there are no phrases for "{tag}"; there are: {", ".join(languages())}')
    return tag


def _profile(written: object) -> str:
    if written not in PROFILES:
        near = did_you_mean(written.lower(), PROFILES) if isinstance(written, str) else ""
        raise ValueError(f"must be {', '.join(map(_quoted, PROFILES[:-1]))} or {_quoted(PROFILES[-1])}; {near}")
    return str(written)


def _never(written: object) -> tuple[str, ...]:
    if not isinstance(written, list) or not all(isinstance(name, str) for name in written):
        raise ValueError('must be a list of exercises, like ["neck-roll-full"]; "voiceroutine exercises" lists them')
    if len(written) > MOST_NEVER:
        raise ValueError(f"has more than {MOST_NEVER} exercises")
    return tuple(_text(name) for name in written)


def _side_first(written: object) -> str:
    if written not in SIDES:
        raise ValueError('must be "left" or "right"')
    return str(written)


def _pace(written: object) -> float:
    least, most = PACES
    if isinstance(written, bool) or not isinstance(written, int | float) or not least <= written <= most:
        raise ValueError(f"must be a number from {least:g} to {most:g}; 0.8 is slower, 1 is as written")
    return float(written)


def _quoted(word: str) -> str:
    return f'"{word}"'


def _delay_ms(written: object) -> int:
    from voiceroutine.units import parse_duration

    return parse_duration(written)


def _delay_text(value: Value) -> str:
    from voiceroutine.units import duration_text

    return duration_text(int(value))


def _switch(written: object) -> bool:
    if not isinstance(written, bool):
        raise ValueError("must be true or false, without quotes")  # noqa: TRY004  told as every wrong value
    return written


def _number_written(words: str) -> Value:
    return int(words) if words.isascii() and words.isdigit() and len(words) < 10 else words


def _delay_written(words: str) -> str:
    """Take a plain number for seconds, as `--delay` does."""
    return f"{words}s" if words.replace(".", "", 1).isdigit() else words


def _switch_written(words: str) -> bool:
    if words.lower() not in _SWITCHES:
        raise ValueError("must be on or off")
    return _SWITCHES[words.lower()]


def _switch_text(value: Value) -> str:
    return "on" if value else "off"


ME: Mapping[str, Callable[[object], object]] = {
    "never": _never, "voice": _text, "side_first": _side_first, "pace": _pace,
}  # fmt: skip
"""What the table `[me]` may have, and what turns what is written into its value."""

_SWITCHES = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
_AS_ROUTINE = "as the routine says"
SETTINGS: Mapping[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting(name="voice", otherwise=_AS_ROUTINE, check=_text),
        Setting(
            name="rate", otherwise=_AS_ROUTINE, check=_rate,
            written=_number_written,
        ),
        Setting(
            name="language", otherwise=_AS_ROUTINE,
            check=_language,
        ),
        Setting(
            name="profile", otherwise=_AS_ROUTINE,
            check=_profile,
        ),
        Setting(name="device", otherwise="the system's", check=_text),
        Setting(
            name="delay", otherwise="0s", check=_delay_ms,
            written=_delay_written, text=_delay_text,
        ),
        Setting(
            name="no_ui", otherwise="off", check=_switch,
            written=_switch_written, text=_switch_text,
        ),
        Setting(
            name="history", otherwise="off", check=_switch,
            written=_switch_written, text=_switch_text,
        ),
    )
}  # fmt: skip
