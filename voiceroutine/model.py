"""The format as it is written: what keys a routine file may have, and of what type.

Pydantic checks the file against these classes; `loading.py` turns the result into values with every default filled in.
A field that was not written is None, so that what it inherits can be found. Descriptions and examples are what the
JSON Schema and the reference in `docs/` say.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    InstanceOf,
    PlainSerializer,
    StringConstraints,
    Tag,
    WithJsonSchema,
    model_validator,
)

from voiceroutine.document import KeyPath
from voiceroutine.placeholders import PLACEHOLDERS
from voiceroutine.units import LONGEST_MS, duration_text, parse_duration

LONGEST_TEXT = 2000
LONGEST_NAME = 200
MOST_STEPS = 5_000
SHORTEST_EVERY_MS = 5_000
BREATH_MS = (1_000, 30_000)
Action = Literal["hold", "move", "phases"]
STEP_KINDS = {
    "exercise": ("exercise", "name"),
    "block": ("steps",),
    "wait": ("wait",),
    "rest": ("rest",),
    "say": ("say",),
}


_DURATION_HINT = '; write it like "30s", "1m30s" or 30 (seconds)'
_MOMENT_HINT = '; write it like "10s", "50%" or "-8s" (before the end)'
CHIMES = (
    "bell", "bowl", "breath-in", "breath-out", "soft-tick", "three-bells", "tick", "tones-end", "tones-finish",
    "tones-halfway", "tones-start", "tones-switch", "tones-tick", "two-tone", "wood-end", "wood-finish", "wood-halfway",
    "wood-start", "wood-switch", "wood-tick",
)  # fmt: skip
BACKGROUNDS = ("brown-noise", "drone", "rain")
Theme = Literal["bells", "wood", "tones"]
ACTIONS: tuple[Action, ...] = ("hold", "move", "phases")


def _known_format(version: int) -> int:
    if version != 1:
        raise ValueError("this program reads format 1 only; a newer voiceroutine may read this file")
    return version


def _gap_ms(value: object) -> int:
    if isinstance(value, int) and value > LONGEST_MS:
        raise ValueError(f"is longer than 4 hours{_DURATION_HINT}")
    try:
        return parse_duration(value)
    except ValueError as error:
        said, _, hint = str(error).rpartition("; ")
        raise ValueError(f"{said}; {hint}" if said else f"{hint}{_DURATION_HINT}") from None


def _work_ms(value: object) -> int:
    duration_ms = _gap_ms(value)
    if duration_ms == 0:
        raise ValueError('work can\'t last zero seconds; for a pause, write a step with rest = "10s"')
    return duration_ms


def _every_ms(value: object) -> int:
    if value == "off":
        return 0
    duration_ms = _gap_ms(value)
    if duration_ms < SHORTEST_EVERY_MS:
        raise ValueError('must be 5 s or more, or "off"; write it like "15s"')
    return duration_ms


def _breath_ms(value: object) -> int:
    duration_ms = _gap_ms(value)
    if not BREATH_MS[0] <= duration_ms <= BREATH_MS[1]:
        raise ValueError('must be between 1 s and 30 s; write it like "4s"')
    return duration_ms


def _printable(text: str) -> str:
    if any(unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t" for c in text):
        raise ValueError("has a control character; delete it, it may be invisible in the editor")
    if any(unicodedata.bidirectional(c) in _BIDI_CONTROLS for c in text):
        raise ValueError("has a character that reverses text; delete it, it may be invisible in the editor")
    if not text.strip():
        raise ValueError("is empty; write the words, or take the line out")
    if not any(c.isalnum() for c in text):
        raise ValueError("has no words; there must be a letter or a digit to say")
    return text


_BIDI_CONTROLS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _identifier(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", text):
        likely = "-".join(re.findall(r"[a-z0-9]+", text.lower())) or "neck-tilt"
        raise ValueError(f'an id is lower-case words joined by hyphens; did you mean "{likely}"?')
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An instant inside work: so long after its start, before its end, or so many percent of it."""

    offset_ms: int = 0
    is_from_end: bool = False
    percent: float | None = None

    def instant_ms(self, work_ms: int) -> int:
        """Return the instant, counted from the start of work of a length; it may lie outside."""
        if self.percent is not None:
            return round(work_ms * self.percent / 100)
        return work_ms - self.offset_ms if self.is_from_end else self.offset_ms

    def __str__(self) -> str:
        if self.percent is not None:
            return f"{self.percent:g}%"
        return f"{'-' * self.is_from_end}{duration_text(self.offset_ms)}"


def parse_moment(value: object) -> Moment:
    """Return the moment that is written as "10s", 10, "50%" or "-8s".

    Raises:
        ValueError: it isn't written like that; the text says what is wrong.
    """
    if isinstance(value, str) and value.endswith("%"):
        return Moment(percent=_percent(value))
    if isinstance(value, str) and value.startswith("-"):
        return _before_end(value[1:])
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
        return _before_end(-value)
    try:
        return Moment(offset_ms=_gap_ms(value))
    except ValueError as error:
        said, _, hint = str(error).rpartition("; ")
        raise ValueError(f"{said.replace('a duration', 'a time inside work') or hint}{_MOMENT_HINT}") from None


def _percent(text: str) -> float:
    if not re.fullmatch(r"\d{1,3}(?:\.\d{1,3})?%", text, re.ASCII) or float(text[:-1]) >= 100:
        raise ValueError(f'"{text[:40]}" is not a part of the work; write it like "50%", from 0% to below 100%')
    return float(text[:-1])


def _before_end(value: object) -> Moment:
    offset_ms = _gap_ms(value)
    if offset_ms == 0:
        raise ValueError('is the end itself; write how long before it, like "-8s"')
    return Moment(offset_ms=offset_ms, is_from_end=True)


_DURATION_PATTERN = r"(?=[0-9])([0-9]+(\.[0-9]+)?h)?([0-9]+(\.[0-9]+)?m)?([0-9]+(\.[0-9]{1,3}0*)?s)?"
_PERCENT_PATTERN = r"0?[0-9]{1,2}(\.[0-9]{1,3})?%"
_NOT_ZERO_PATTERN = "(?=.*[1-9])"
_LONGEST_S = LONGEST_MS // 1000


def _number_or_text_schema(pattern: str, **limits: float) -> WithJsonSchema:
    """Return the schema of a text that matches a pattern, or a number of seconds; its limits concern the number."""
    return WithJsonSchema({"type": ["string", "number"], "pattern": f"^{pattern}$", "maxLength": 33, **limits})


_GAP_SCHEMA = _number_or_text_schema(_DURATION_PATTERN, minimum=0, maximum=_LONGEST_S)
_WORK_SCHEMA = _number_or_text_schema(_NOT_ZERO_PATTERN + _DURATION_PATTERN, exclusiveMinimum=0, maximum=_LONGEST_S)
_BREATH_SCHEMA = _number_or_text_schema(_NOT_ZERO_PATTERN + _DURATION_PATTERN, minimum=1, maximum=30)
_EVERY_SCHEMA = _number_or_text_schema(
    f"(off|{_NOT_ZERO_PATTERN}{_DURATION_PATTERN})", minimum=SHORTEST_EVERY_MS // 1000, maximum=_LONGEST_S
)
_MOMENT_SCHEMA = _number_or_text_schema(
    f"({_PERCENT_PATTERN}|{_DURATION_PATTERN}|-{_NOT_ZERO_PATTERN}{_DURATION_PATTERN})",
    minimum=-_LONGEST_S,
    maximum=_LONGEST_S,
)
_WRITTEN = PlainSerializer(duration_text, return_type=str, when_used="json")

_INVISIBLE = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
_NOT_BLANK_PATTERN = r"(?=[\s\S]*\S)"
_TEXT_PATTERN = f"^{_NOT_BLANK_PATTERN}[^{_INVISIBLE}]*$"
_SPOKEN_NAME_PATTERN = rf"^(?![\s\S]*\{{({'|'.join(PLACEHOLDERS)})\}}){_TEXT_PATTERN[1:]}"


def sentence_pattern(placeholders: Iterable[str] = PLACEHOLDERS) -> str:
    """Return the pattern of a text in which braces stand around placeholders, or are doubled."""
    return rf"^{_NOT_BLANK_PATTERN}([^{{}}{_INVISIBLE}]|\{{\{{|\}}\}}|\{{({'|'.join(placeholders)}):?\}})*$"


def _text_schema(pattern: str, longest: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "maxLength": longest, "pattern": pattern})


Text = Annotated[
    str,
    StringConstraints(max_length=LONGEST_TEXT),
    AfterValidator(_printable),
    _text_schema(_TEXT_PATTERN, LONGEST_TEXT),
]
# What is said and may have placeholders; the loader tells which have a meaning there.
Sentence = Annotated[Text, _text_schema(sentence_pattern(), LONGEST_TEXT)]
Name = Annotated[
    str,
    StringConstraints(max_length=LONGEST_NAME),
    AfterValidator(_printable),
    AfterValidator(_one_line),
    _text_schema(_TEXT_PATTERN, LONGEST_NAME),
]
# A name that is said; no placeholder is filled in it.
SpokenName = Annotated[Name, _text_schema(_SPOKEN_NAME_PATTERN, LONGEST_NAME)]
Identifier = Annotated[
    str,
    StringConstraints(max_length=80),
    AfterValidator(_identifier),
    WithJsonSchema({"type": "string", "maxLength": 80, "pattern": r"^[a-z0-9]+(-[a-z0-9]+)*$"}),
]


def _sound_schema(bundled: tuple[str, ...]) -> WithJsonSchema:
    """Return the schema of a bundled name, or of a path that leads to a file in the routine's folder or below it."""
    return WithJsonSchema({"type": "string", "anyOf": [{"enum": [*bundled]}, _FILE_SCHEMA]})


_FILE_SCHEMA = {
    "maxLength": LONGEST_NAME,
    "pattern": r"^(?![/~])(?!.*[\\:])(?!(.*/)?\.\.(/|$))(?=.*[./])" + _TEXT_PATTERN[1:],
}
_SoundName = Annotated[str, StringConstraints(max_length=LONGEST_NAME), AfterValidator(_printable)]
Chime = Annotated[_SoundName, _sound_schema(CHIMES)]
Background = Annotated[_SoundName, _sound_schema(BACKGROUNDS)]
GapMs = Annotated[int, BeforeValidator(_gap_ms), _WRITTEN, _GAP_SCHEMA]
WorkMs = Annotated[int, BeforeValidator(_work_ms), _WRITTEN, _WORK_SCHEMA]
BreathMs = Annotated[int, BeforeValidator(_breath_ms), _WRITTEN, _BREATH_SCHEMA]
EveryMs = Annotated[
    int,
    BeforeValidator(_every_ms),
    PlainSerializer(lambda every_ms: duration_text(every_ms) if every_ms else "off", return_type=str, when_used="json"),
    _EVERY_SCHEMA,
]
At = Annotated[
    InstanceOf[Moment],
    BeforeValidator(parse_moment),
    PlainSerializer(str, return_type=str, when_used="json"),
    _MOMENT_SCHEMA,
]
Count = Annotated[int, Field(ge=1, le=1000)]


class Table(BaseModel):
    """A TOML table: no unknown keys, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    @classmethod
    def written_keys(cls) -> tuple[str, ...]:
        """Return the keys that the table may have, as they are written in a file."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())


class PhaseTable(Table):
    """One named part of a rep."""

    say: Annotated[Sentence | None, Field(description="The word that marks its start.", examples=["lift"])] = None
    lasts: Annotated[WorkMs, Field(description="How long it lasts, exactly.", examples=["2s"])]


class DuringTable(Table):
    """Something to say or chime at a time inside each stretch of work."""

    at: Annotated[
        At,
        Field(
            description="When: so long after the start, so many percent of the work, or so long before its end.",
            examples=["10s", "50%", "-8s"],
        ),
    ]
    say: Annotated[Sentence | None, Field(description="What to say.", examples=["Let the shoulder get heavy."])] = None
    chime: Annotated[
        Chime | None, Field(description="Which sound: a bundled name, or a file beside the routine.", examples=["tick"])
    ] = None

    @model_validator(mode="after")
    def _has_something(self) -> Self:
        if self.say is None and self.chime is None:
            raise ValueError('has neither say nor chime; write what to say: { at = "10s", say = "Breathe out." }')
        return self


class BreathTable(Table):
    """The pace of breathing during work: as many whole breaths as there is room for."""

    in_: Annotated[BreathMs, Field(alias="in", description="How long to breathe in, 1 to 30 s.", examples=["4s"])]
    out: Annotated[BreathMs, Field(description="How long to breathe out, 1 to 30 s.", examples=["6s"])]
    with_: Annotated[
        Literal["tone", "words"] | None,
        Field(
            alias="with",
            description="How it is paced: by a soft tone that rises while breathing in and falls while breathing out, "
            "or by words. Default: words in normal and coach, else a tone.",
            examples=["tone"],
        ),
    ] = None


class CuesTable(Table):
    """How much is said and chimed."""

    profile: Annotated[
        Literal["bell", "quiet", "normal", "coach"] | None,
        Field(
            description="How much is said: bell nothing; quiet names and sides; normal also instructions, sets, "
            "halfway and what is next; coach also encouragement. Sets the defaults of the other keys. Default: normal.",
        ),
    ] = None
    countdown: Annotated[
        Annotated[int, Field(ge=0, le=10)] | None,
        Field(description="Seconds that are counted before the end of work; 0 for none. Default: 3."),
    ] = None
    countdown_with: Annotated[
        Literal["tick", "voice"] | None, Field(description="How they are counted. Default: tick.")
    ] = None
    halfway: Annotated[
        Literal["voice", "chime", "off"] | None,
        Field(description="How the middle is marked, in a hold or move of 20 s or more. Default: voice."),
    ] = None
    every: Annotated[
        EveryMs | None,
        Field(description='Say the time left at this interval, 5 s or more, or "off". Default: off.', examples=["15s"]),
    ] = None
    next_up: Annotated[bool | None, Field(description="Name what is next during a rest. Default: true.")] = None
    count_reps: Annotated[bool | None, Field(description="Count the reps aloud. Default: true.")] = None
    encourage: Annotated[
        bool | None, Field(description="Say a few words of encouragement in long work. Default: true in coach.")
    ] = None
    safety: Annotated[
        bool | None, Field(description="Say when to stop, once at the start of the routine. Default: true.")
    ] = None


def _sides_kind(value: object) -> str:
    return "labels" if isinstance(value, list) else "word"


Sides = Annotated[
    Annotated[Literal["none", "each", "alternate"], Tag("word")]
    | Annotated[list[SpokenName], Field(min_length=1, max_length=20), Tag("labels")],
    Discriminator(_sides_kind),
]


class ExerciseFields(Table):
    """What an exercise step and an entry of the exercise library have in common."""

    name: Annotated[SpokenName | None, Field(description="Its name, spoken and shown.", examples=["Neck stretch"])] = (
        None
    )
    instruction: Annotated[
        Sentence | None,
        Field(
            description="How to do it, said before the first work of the exercise.",
            examples=["Tilt your head to the {side}."],
        ),
    ] = None
    cue: Annotated[
        Sentence | None,
        Field(
            description="The short form, said before later sides and sets. Default: the side, or the name.",
            examples=["Now to the {side}."],
        ),
    ] = None
    caution: Annotated[
        Sentence | None,
        Field(description="What to take care of, said once before the first work.", examples=["Come up slowly."]),
    ] = None
    hold: Annotated[WorkMs | None, Field(description="Keep still for exactly so long.", examples=["30s"])] = None
    move: Annotated[WorkMs | None, Field(description="Keep moving for exactly so long.", examples=["45s"])] = None
    phases: Annotated[
        Annotated[list[PhaseTable], Field(min_length=1, max_length=20)] | None,
        Field(description="A named sequence in each rep.", examples=[[{"say": "lift", "lasts": "2s"}]]),
    ] = None
    reps: Annotated[Count | None, Field(description="How many times on each side. Default: 1.")] = None
    relax: Annotated[
        GapMs | None,
        Field(description="At least so long between reps. Default: [defaults] relax; 0 with phases.", examples=["3s"]),
    ] = None
    sides: Annotated[
        Sides | None,
        Field(
            description='"each": right, then left. "alternate": right and left take turns, rep by rep. Or any labels, '
            'in order. Every dose is for each side. Default: "none".',
            examples=["each", ["forward", "backward"]],
        ),
    ] = None
    switch: Annotated[
        GapMs | None, Field(description="At least so long between sides. Default: [defaults] switch.", examples=["4s"])
    ] = None
    sets: Annotated[Count | None, Field(description="How many times through all sides and reps. Default: 1.")] = None
    rest: Annotated[
        GapMs | None, Field(description="At least so long between sets. Default: [defaults] rest.", examples=["10s"])
    ] = None
    prepare: Annotated[
        GapMs | None,
        Field(
            description="At least so long before the first work; name and instruction are said in it. "
            "Default: [defaults] prepare.",
            examples=["5s"],
        ),
    ] = None
    during: Annotated[
        Annotated[list[DuringTable], Field(max_length=20)] | None,
        Field(
            description="What to say or chime inside each stretch of work.",
            examples=[[{"at": "10s", "say": "Breathe out."}, {"at": "50%", "chime": "soft-tick"}]],
        ),
    ] = None
    breath: Annotated[
        BreathTable | None,
        Field(
            description="Pace the breath from the start of the work: only whole breaths, what is left isn't paced.",
            examples=[{"in": "4s", "out": "6s"}],
        ),
    ] = None
    cues: Annotated[CuesTable | None, Field(description="As the table [cues], for this exercise only.")] = None
    optional: Annotated[
        bool | None, Field(description="Whether it may be left out when time is short. Default: false.")
    ] = None
    min: Annotated[
        WorkMs | None,
        Field(
            description="The shortest that a single hold may become when the routine is fitted to a length. "
            "Default: 10 s, or the hold if that is shorter.",
            examples=["20s"],
        ),
    ] = None
    max: Annotated[
        WorkMs | None,
        Field(
            description="The longest that a single hold may become when the routine is fitted to a length. "
            "Default: 60 s, or the hold if that is longer.",
            examples=["45s"],
        ),
    ] = None
    needs: Annotated[
        Annotated[list[SpokenName], Field(max_length=20)] | None,
        Field(description='What to have at hand; the start says "You need a chair."', examples=[["a chair"]]),
    ] = None
    figure: Annotated[Name | None, Field(description="What to call its picture, for handouts.")] = None
    muscles: Annotated[
        Annotated[list[Name], Field(max_length=20)] | None,
        Field(description="What it works on, for the display and the checks.", examples=[["scalenes"]]),
    ] = None
    source: Annotated[Text | None, Field(description="Where the dose is from, for the display.")] = None

    def actions(self) -> list[Action]:
        """Return which of hold, move and phases are written."""
        return [action for action in ACTIONS if getattr(self, action) is not None]


class ExerciseEntry(ExerciseFields):
    """An entry of `[[exercises]]`, in a routine or in the library."""

    id: Annotated[
        Identifier,
        Field(description="What steps call it: lower-case words joined by hyphens.", examples=["towel-pull"]),
    ]


class ExerciseStep(ExerciseFields):
    """Do an exercise."""

    exercise: Annotated[
        Identifier | None,
        Field(
            description="Its id in the routine's own [[exercises]], in yours, or in the library.",
            examples=["neck-tilt"],
        ),
    ] = None


class SayStep(Table):
    """Say something between exercises."""

    say: Annotated[Sentence, Field(description="What to say.", examples=["Sit tall."])]
    pause: Annotated[
        GapMs | None, Field(description="How much silence follows the words. Default: 1 s.", examples=["3s"])
    ] = None
    optional: Annotated[
        bool | None, Field(description="Whether it may be left out when time is short. Default: false.")
    ] = None


class RestStep(Table):
    """Rest for a while."""

    rest: Annotated[GapMs, Field(description="At least so long.", examples=["20s"])]
    say: Annotated[
        Sentence | None,
        Field(description='What to say in it. Default: "Rest."', examples=["Rest, and find a doorway."]),
    ] = None


class WaitStep(Table):
    """Wait until the listener continues."""

    wait: Annotated[
        WorkMs,
        Field(
            description="Live, until the listener continues; in a file and without a terminal, so long.",
            examples=["30s"],
        ),
    ]
    say: Annotated[
        Sentence | None,
        Field(description='What to say in it. Default: "Continue when you are ready."', examples=["Find a doorway."]),
    ] = None


class BlockStep(Table):
    """Do some steps, once or several times."""

    steps: Annotated[
        list["Step"],
        Field(min_length=1, max_length=MOST_STEPS, description="Its steps, of any kind; up to 8 blocks deep."),
    ]
    repeat: Annotated[Count | None, Field(description="How many rounds. Default: 1.")] = None
    title: Annotated[Name | None, Field(description="What it is called.", examples=["Two slow rounds"])] = None
    rest: Annotated[
        GapMs | None,
        Field(description="At least so long between rounds, not after the last. Default: 0.", examples=["15s"]),
    ] = None
    optional: Annotated[
        bool | None, Field(description="Whether it may be left out when time is short. Default: false.")
    ] = None
    cues: Annotated[CuesTable | None, Field(description="As the table [cues], for this block only.")] = None


def kind_of_step(step: object) -> str | None:
    """Return the kind of a step: the first of the telling keys that it has."""
    written = step.model_fields_set if isinstance(step, Table) else step
    if not isinstance(written, (dict, set)):
        return None
    return next((kind for kind, keys in STEP_KINDS.items() if any(key in written for key in keys)), None)


Step = Annotated[
    Annotated[ExerciseStep, Tag("exercise")]
    | Annotated[BlockStep, Tag("block")]
    | Annotated[WaitStep, Tag("wait")]
    | Annotated[RestStep, Tag("rest")]
    | Annotated[SayStep, Tag("say")],
    Discriminator(kind_of_step),
]


class VoiceTable(Table):
    """Who speaks, and how."""

    engine: Annotated[
        Name | None,
        Field(description='Which engine speaks; "voiceroutine voices" lists them. Default: auto.', examples=["espeak"]),
    ] = None
    name: Annotated[
        Name | None,
        Field(description='Which of its voices, as "voiceroutine voices" lists it.', examples=["en-us"]),
    ] = None
    rate_wpm: Annotated[
        Annotated[int, Field(ge=80, le=400)] | None, Field(description="Words a minute. Default: 150.")
    ] = None
    pitch_percent: Annotated[
        Annotated[int, Field(ge=0, le=100)] | None, Field(description="How high the voice is. Default: 45.")
    ] = None
    gain_db: Annotated[
        Annotated[float, Field(ge=-30, le=6, allow_inf_nan=False)] | None,
        Field(description="How much louder or softer than usual, in decibels. Default: 0."),
    ] = None


class BackgroundTable(Table):
    """What sounds under the whole routine."""

    sound: Annotated[
        Background,
        Field(description="A bundled name, or a file beside the routine; it is looped.", examples=["brown-noise"]),
    ]
    gain_db: Annotated[
        Annotated[float, Field(ge=-60, le=0, allow_inf_nan=False)] | None,
        Field(description="How much softer than speech, in decibels. Default: -18."),
    ] = None
    duck_db: Annotated[
        Annotated[float, Field(ge=-60, le=0, allow_inf_nan=False)] | None,
        Field(description="How much softer still while the voice speaks, in decibels. Default: -9."),
    ] = None
    fade: Annotated[GapMs | None, Field(description="How long it fades in and out. Default: 3 s.", examples=["3s"])] = (
        None
    )


class SoundsTable(Table):
    """Which sound each chime is: a bundled name, or a file in the routine's folder or below it."""

    theme: Annotated[
        Theme | None,
        Field(
            description="Which set all chimes are of that aren't given one of their own: bells, wood or tones. "
            "Default: bells.",
            examples=["wood"],
        ),
    ] = None
    start: Annotated[Chime | None, Field(description="Work starts. Default: bell.", examples=["bell"])] = None
    end: Annotated[Chime | None, Field(description="Work ends. Default: bowl.", examples=["my-gong.wav"])] = None
    switch: Annotated[Chime | None, Field(description="Work ends and the other side follows. Default: two-tone.")] = (
        None
    )
    halfway: Annotated[Chime | None, Field(description="The middle of work. Default: soft-tick.")] = None
    tick: Annotated[Chime | None, Field(description="The last seconds of work, and fast reps. Default: tick.")] = None
    finish: Annotated[Chime | None, Field(description="The routine is over. Default: three-bells.")] = None
    background: Annotated[
        BackgroundTable | None, Field(description="What sounds under the whole routine. Default: nothing.")
    ] = None


class DefaultsTable(Table):
    """Gaps that every step inherits."""

    prepare: Annotated[GapMs | None, Field(description="Before an exercise. Default: 5 s.")] = None
    relax: Annotated[GapMs | None, Field(description="Between reps. Default: 3 s.")] = None
    switch: Annotated[GapMs | None, Field(description="Between sides. Default: 4 s.")] = None
    rest: Annotated[GapMs | None, Field(description="Between sets. Default: 10 s.")] = None


_LANGUAGE = StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
_Words = dict[Annotated[str, StringConstraints(min_length=1, max_length=80)], Text]


class RoutineFile(Table):
    """A routine of voiceroutine: a guided session of stretches, said and chimed to the second."""

    format: Annotated[
        Annotated[int, AfterValidator(_known_format)],
        Field(description="The version of this format: 1.", json_schema_extra={"const": 1}),
    ] = 1
    title: Annotated[SpokenName, Field(description="What the routine is called.", examples=["Neck cool-down"])]
    summary: Annotated[
        Text | None, Field(description="For whom it is, in a sentence.", examples=["Six stretches after training."])
    ] = None
    language: Annotated[
        Annotated[str, _LANGUAGE] | None,
        Field(description="The language of its texts (BCP 47); chooses phrases and voice. Default: en."),
    ] = None
    author: Annotated[Text | None, Field(description="Who wrote it.")] = None
    license: Annotated[Text | None, Field(description="What others may do with it.", examples=["CC0-1.0"])] = None
    voice: Annotated[VoiceTable, Field(description="Who speaks, and how. The listener's own choice wins.")] = (
        VoiceTable.model_construct()
    )
    cues: Annotated[CuesTable, Field(description="How much is said and chimed.")] = CuesTable.model_construct()
    sounds: Annotated[SoundsTable, Field(description="Which sound each chime is.")] = SoundsTable.model_construct()
    defaults: Annotated[DefaultsTable, Field(description="Gaps that every step inherits.")] = (
        DefaultsTable.model_construct()
    )
    phrases: Annotated[
        _Words,
        Field(
            description="Sentences of your own instead of the built-in ones.",
            examples=[{"halfway": "Halfway. Keep breathing."}],
        ),
    ] = {}
    pronounce: Annotated[
        Annotated[_Words, Field(max_length=500)],
        Field(
            description="How words are to be spoken; whole words, in any case. Captions keep what is written.",
            examples=[{"scalenes": "skay leens"}],
        ),
    ] = {}
    exercises: Annotated[
        list[ExerciseEntry], Field(description="Exercises of the routine's own; they come before the library's.")
    ] = []
    steps: Annotated[
        list["Step"],
        Field(
            min_length=1,
            max_length=MOST_STEPS,
            description="What happens, in order. The kind of a step is the first of these keys that it has: "
            "exercise or name, steps, wait, rest, say.",
        ),
    ]

    def exercise_steps(self) -> Iterator[tuple[KeyPath, ExerciseStep]]:
        """Yield every step that is an exercise, in blocks too, and where it is written, in the order of the file."""
        return _exercise_steps(self.steps, ("steps",))


def _exercise_steps(steps: Sequence[Step], path: KeyPath) -> Iterator[tuple[KeyPath, ExerciseStep]]:
    for index, step in enumerate(steps):
        if isinstance(step, BlockStep):
            yield from _exercise_steps(step.steps, (*path, index, "steps"))
        elif isinstance(step, ExerciseStep):
            yield (*path, index), step


class LibraryFile(Table):
    """A file of exercises."""

    exercises: Annotated[list[ExerciseEntry], Field(description="The exercises.")] = []


Entries = Mapping[str, Sequence[ExerciseEntry]]
"""For every exercise id its entries, the most important first."""


def written_data(table: Table) -> dict[str, Any]:
    """Return a table as the data of a TOML file: only what was written, durations and moments as texts."""
    return table.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
