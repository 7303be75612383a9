"""A routine as the author prescribed it: every default filled in, every text checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from voiceroutine.phrases import phrases_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from voiceroutine.errors import Location, Problem
    from voiceroutine.phrases import Phrases

Profile = Literal["bell", "quiet", "normal", "coach"]
ChangeKind = Literal[
    "left out", "fewer sets", "more sets", "fewer rounds", "more rounds", "shorter hold", "longer hold", "as it was"
]
Theme = Literal["bells", "wood", "tones"]

SHORT_HOLD_MS = 10_000
LONG_HOLD_MS = 60_000
PAUSE_MS = 1_000
# How much softer than speech a background is under words at least; its loudest moment is 6 dB above.
UNDER_WORDS_DB = -18.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceSettings:
    """Who speaks, and how; part of what makes an utterance what it is.

    `pronounce` are pairs of a word, in any case, and what to speak instead of it.
    """

    engine: str = "auto"
    name: str | None = None
    language: str = "en"
    rate_wpm: int = 150
    pitch_percent: int = 45
    gain_db: float = 0.0
    pronounce: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CueSettings:
    """How much is said and chimed; `every_ms` is 0 where the time left isn't said."""

    profile: Profile = "normal"
    countdown_s: int = 3
    countdown_with: Literal["tick", "voice"] = "tick"
    halfway: Literal["voice", "chime", "off"] = "voice"
    every_ms: int = 0
    next_up: bool = True
    count_reps: bool = True
    encourage: bool = False
    safety: bool = True

    def in_profile(self, profile: Profile) -> CueSettings:
        """Return these settings with what a profile decides."""
        theirs = PROFILES[profile]
        return replace(
            self,
            profile=profile,
            halfway=theirs.halfway,
            next_up=theirs.next_up,
            count_reps=theirs.count_reps,
            encourage=theirs.encourage,
        )

    @property
    def speaks(self) -> bool:
        """Whether anything is spoken at all."""
        return self.profile != "bell"

    @property
    def explains(self) -> bool:
        """Whether more than names and sides is said."""
        return self.profile in {"normal", "coach"}


PROFILES: Mapping[Profile, CueSettings] = {
    "bell": CueSettings(profile="bell", halfway="chime", next_up=False, count_reps=False),
    "quiet": CueSettings(profile="quiet", halfway="chime", next_up=False, count_reps=False),
    "normal": CueSettings(),
    "coach": CueSettings(profile="coach", encourage=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundSettings:
    """What sounds under the whole routine; both levels are relative to the loudness of speech.

    `is_listeners` tells that the sound is the path of a file that the listener chose, wherever it lies.
    """

    sound: str
    gain_db: float = -18.0
    duck_db: float = -9.0
    fade_ms: int = 3_000
    is_listeners: bool = False

    @property
    def ducked_db(self) -> float:
        """By how much it is really softened under words: enough for them to stand out, whatever is written."""
        return min(self.duck_db, UNDER_WORDS_DB - self.gain_db)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundSettings:
    """Which sound each chime is: a bundled name, or a file in `folder`, which is the routine's, or below it."""

    theme: Theme = "bells"
    start: str = "bell"
    end: str = "bowl"
    switch: str = "two-tone"
    halfway: str = "soft-tick"
    tick: str = "tick"
    finish: str = "three-bells"
    background: BackgroundSettings | None = None
    folder: str | None = None

    def in_theme(self, theme: Theme) -> SoundSettings:
        """Return these settings with every chime of a set."""
        return replace(THEMES[theme], background=self.background, folder=self.folder)


def _named_after(theme: Theme) -> SoundSettings:
    return SoundSettings(
        theme=theme,
        start=f"{theme}-start",
        end=f"{theme}-end",
        switch=f"{theme}-switch",
        halfway=f"{theme}-halfway",
        tick=f"{theme}-tick",
        finish=f"{theme}-finish",
    )


THEMES: Mapping[Theme, SoundSettings] = {
    "bells": SoundSettings(),
    "wood": _named_after("wood"),
    "tones": _named_after("tones"),
}


def breath_name(theme: Theme, *, is_in: bool) -> str:
    """Return what a timeline calls the tone of a theme that lasts as long as a breath in, or out."""
    return f"{theme}-breath-{'in' if is_in else 'out'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """How long gaps last where nothing else was written, in milliseconds."""

    prepare_ms: int = 5_000
    relax_ms: int = 3_000
    switch_ms: int = 4_000
    rest_ms: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of work; a hold or a move is one without a word."""

    say: str | None = None
    lasts_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class During:
    """Something to say or chime inside each rep, so long after its start."""

    where: Location
    at_ms: int
    say: str | None = None
    chime: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Breath:
    """The pace of breathing; where it isn't written whether a tone or words pace it, the profile decides."""

    in_ms: int
    out_ms: int
    paced_with: Literal["tone", "words"] | None = None

    @property
    def whole_ms(self) -> int:
        """How long one breath lasts."""
        return self.in_ms + self.out_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """One exercise of the routine with its whole dose. `sides` is empty where there are none.

    `number` is its place among the exercises of the file, from 1; 0 where there is no file.
    `min_ms` and `max_ms` are how far a single hold may be changed to fit the routine to a length. `cues`, here and in
    other steps, are None where they are the routine's.
    """

    where: Location
    name: str
    action: Literal["hold", "move", "phases"]
    phases: tuple[Phase, ...]
    number: int = 0
    exercise: str | None = None
    instruction: str | None = None
    cue: str | None = None
    caution: str | None = None
    reps: int = 1
    sides: tuple[str, ...] = ()
    is_alternating: bool = False
    sets: int = 1
    prepare_ms: int
    relax_ms: int
    switch_ms: int
    rest_ms: int
    during: tuple[During, ...] = ()
    breath: Breath | None = None
    cues: CueSettings | None = None
    is_optional: bool = False
    min_ms: int = 0
    max_ms: int = 0
    needs: tuple[str, ...] = ()
    figure: str | None = None
    muscles: tuple[str, ...] = ()
    source: str | None = None

    @property
    def rep_ms(self) -> int:
        """How long one rep of work lasts."""
        return sum(phase.lasts_ms for phase in self.phases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """A sentence between exercises."""

    where: Location
    text: str
    pause_ms: int = PAUSE_MS
    cues: CueSettings | None = None
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A gap by itself."""

    where: Location
    rest_ms: int
    text: str | None = None
    cues: CueSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A gap that lasts until the listener continues; where nobody can, `wait_ms`."""

    where: Location
    wait_ms: int
    text: str | None = None
    cues: CueSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Steps that belong together, in one or several rounds."""

    where: Location
    steps: tuple[Step, ...]
    repeat: int = 1
    title: str | None = None
    rest_ms: int = 0
    cues: CueSettings | None = None
    is_optional: bool = False


Step = Exercise | Say | Rest | Wait | Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that is otherwise than the author wrote it, because the listener wishes so.

    Attributes:
        what: the kind of change.
        step: the name of the exercise or block, or the words of a sentence.
        before: a number of sets or rounds, or a hold in milliseconds; None where there is no number.
        after: the same, as it is now.
        text: all of it in words, for people.
    """

    what: ChangeKind
    step: str
    before: int | None = None
    after: int | None = None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Routine:
    """A whole routine.

    `own_phrases` are pairs of a built-in phrase's name and the author's words for it; `notes` are what was found on
    loading and is no error. `changes` are what is otherwise than written, and `chosen` short texts that tell this
    version of the routine from others ("6 min", "left first"). `fitted_ms` is the length that it was fitted to, if any.
    """

    title: str
    summary: str | None = None
    author: str | None = None
    license: str | None = None
    where: Location
    steps: tuple[Step, ...]
    voice: VoiceSettings = VoiceSettings()
    cues: CueSettings = CueSettings()
    sounds: SoundSettings = SoundSettings()
    own_phrases: tuple[tuple[str, str], ...] = ()
    notes: tuple[Problem, ...] = ()
    changes: tuple[Change, ...] = ()
    chosen: tuple[str, ...] = ()
    fitted_ms: int | None = None

    def phrases(self) -> Phrases:
        """Return what is said in the routine's language, in the author's words where there are any."""
        built_in = phrases_for(self.voice.language)
        return replace(built_in, say={**built_in.say, **dict(self.own_phrases)}) if self.own_phrases else built_in

    def exercises(self) -> Iterator[Exercise]:
        """Yield every exercise once, in the order of the file."""
        return _exercises(self.steps)


def _exercises(steps: Sequence[Step]) -> Iterator[Exercise]:
    for step in steps:
        if isinstance(step, Block):
            yield from _exercises(step.steps)
        elif isinstance(step, Exercise):
            yield step
