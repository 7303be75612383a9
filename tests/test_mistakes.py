"""Broken files and the whole of what their author is told."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from voiceroutine.document import parse_document, read_document
from voiceroutine.errors import RoutineError
from voiceroutine.library import Library, bundled_folder
from voiceroutine.mistakes import MOST_PROBLEMS
from voiceroutine.routine import Routine, load_routine
from voiceroutine.unroll import unroll

LIBRARY = Library(folders=(bundled_folder("routines"),)).exercises()
HEAD = 'title = "T"\n'
EXERCISE = HEAD + '[[steps]]\nname = "N"\n'
HOLD = EXERCISE + 'hold = "5s"\n'
STEP = '[[steps]]\nname = "N"\nhold = 5\n'
ENTRY = HEAD + '[[exercises]]\nid = "a"\nname = "A"\n'
USE = '[[steps]]\nexercise = "a"\n'
KEYS = "known here: format, title, summary, language, author, license, voice, cues, defaults, exercises, steps"
EXERCISE_KEYS = (
    "it has: name, instruction, cue, caution, hold, move, phases, reps, relax, sides, switch, sets, rest, prepare, "
    "needs, muscles, source, exercise"
)
PLACEHOLDERS = "known: {name}, {side}, {other_side}, {hold}, {rep}, {reps}, {set}, {sets}, {next}, {remaining}, {total}"
DURATION = 'write it like "30s", "1m30s" or 30 (seconds)'

UNKNOWN_KEYS: dict[str, tuple[str, list[str]]] = {
    "at the top": (
        'titel = "T"\ntitle = "T"\n[[steps]]\nname = "N"\nhold = "5s"\n',
        ['r.toml:1:1: titel: unknown key "titel"', '    did you mean "title"?'],
    ),
    "in voice": (
        HEAD + "[voice]\nrate = 100\n" + STEP,
        ['r.toml:3:1: voice.rate: unknown key "rate"', '    did you mean "rate_wpm"?'],
    ),
    "in cues": (
        HEAD + '[cues]\nevery = "15s"\n' + STEP,
        [
            'r.toml:3:1: cues.every: unknown key "every"',
            "    known here: profile, countdown, countdown_with, halfway, next_up, count_reps, safety",
        ],
    ),
    "in cues near": (
        HEAD + "[cues]\ncountdwn = 3\n" + STEP,
        ['r.toml:3:1: cues.countdwn: unknown key "countdwn"', '    did you mean "countdown"?'],
    ),
    "in defaults": (
        HEAD + '[defaults]\nswich = "3s"\n' + STEP,
        ['r.toml:3:1: defaults.swich: unknown key "swich"', '    did you mean "switch"?'],
    ),
    "table not there yet": (
        HEAD + '[sounds]\nstart = "bell"\n' + STEP,
        ['r.toml:2:2: sounds: unknown key "sounds"', "    " + KEYS],
    ),
    "dotted": (
        HEAD + "voice.rat_wpm = 120\n" + STEP,
        ['r.toml:2:7: voice.rat_wpm: unknown key "rat_wpm"', '    did you mean "rate_wpm"?'],
    ),
    "in an entry": (
        ENTRY + 'hold = "5s"\nrep = 5\n' + USE,
        ['r.toml:6:1: exercises[0].rep: unknown key "rep"', '    did you mean "reps"?'],
    ),
    "in an exercise": (
        HOLD + "rep = 3\n",
        ['r.toml:5:1: steps[0].rep: an exercise step has no key "rep"', '    did you mean "reps"?'],
    ),
    "capitals": (
        HOLD + "Reps = 3\n",
        ['r.toml:5:1: steps[0].Reps: an exercise step has no key "Reps"', '    did you mean "reps"?'],
    ),
    "in an exercise far": (
        HOLD + "optional = true\n",
        ['r.toml:5:1: steps[0].optional: an exercise step has no key "optional"', "    " + EXERCISE_KEYS],
    ),
    "in a phase": (
        EXERCISE + 'phases = [{ say = "Lift.", last = "2s" }]\n',
        [
            "r.toml:4:11: steps[0].phases[0].lasts: is missing",
            '    say how long the phase is: lasts = "2s"',
            'r.toml:4:28: steps[0].phases[0].last: unknown key "last"',
            '    did you mean "lasts"?',
        ],
    ),
    "in a block": (
        HEAD + '[[steps]]\nrepet = 3\nsteps = [{ name = "N", hold = 5 }]\n',
        ['r.toml:3:1: steps[0].repet: a block step has no key "repet"', '    did you mean "repeat"?'],
    ),
    "in a say": (
        HEAD + '[[steps]]\nsay = "Hi."\npuase = 3\n',
        ['r.toml:4:1: steps[0].puase: a say step has no key "puase"', '    did you mean "pause"?'],
    ),
    "in a rest": (
        HEAD + '[[steps]]\nrest = "3s"\ntext = "Rest."\n',
        ['r.toml:4:1: steps[0].text: a rest step has no key "text"', "    it has: rest, say"],
    ),
    "deep inside": (
        HEAD + '[[steps]]\nsteps = [\n  { steps = [{ name = "N", hodl = 5 }] },\n]\n',
        [
            'r.toml:4:28: steps[0].steps[0].steps[0].hodl: an exercise step has no key "hodl"',
            '    did you mean "hold"?',
        ],
    ),
    "quoted with a newline": (
        HEAD + '"a\\nb" = 3\n' + STEP,
        ['r.toml:2:1: "a\\nb": unknown key "a\\nb"', "    " + KEYS],
    ),
}
KINDS: dict[str, tuple[str, list[str]]] = {
    "say in an exercise": (
        HEAD + '[[steps]]\nsay = "Hi."\nexercise = "neck-tilt"\n',
        [
            'r.toml:3:1: steps[0].say: an exercise step has no key "say"',
            "    say belongs to a rest or a say step; a step is of one kind: write two steps",
        ],
    ),
    "steps in an exercise": (
        HEAD + '[[steps]]\nexercise = "neck-tilt"\nsteps = []\n',
        [
            'r.toml:4:1: steps[0].steps: an exercise step has no key "steps"',
            "    steps belongs to a block step; a step is of one kind: write two steps",
        ],
    ),
    "say in a block": (
        HEAD + '[[steps]]\nsay = "Hi."\nsteps = [{ rest = 5 }]\n',
        [
            'r.toml:3:1: steps[0].say: a block step has no key "say"',
            "    say belongs to a rest or a say step; a step is of one kind: write two steps",
        ],
    ),
    "pause in a rest": (
        HEAD + '[[steps]]\nrest = "3s"\npause = 3\n',
        [
            'r.toml:4:1: steps[0].pause: a rest step has no key "pause"',
            "    pause belongs to a say step; a step is of one kind: write two steps",
        ],
    ),
    "none": (
        HEAD + "[[steps]]\nreps = 3\n",
        [
            "r.toml:2:1: steps[0]: can't tell what kind of step this is",
            "    an exercise step needs the key exercise or name",
        ],
    ),
    "none of a block": (
        HEAD + "[[steps]]\nrepeat = 3\n",
        ["r.toml:2:1: steps[0]: can't tell what kind of step this is", "    a block step needs the key steps"],
    ),
    "misspelled": (
        HEAD + '[[steps]]\nexcercise = "neck-tilt"\n',
        ["r.toml:2:1: steps[0]: can't tell what kind of step this is", '    did you mean "exercise"?'],
    ),
    "not there yet": (
        HEAD + '[[steps]]\nwait = "30s"\n',
        [
            "r.toml:2:1: steps[0]: can't tell what kind of step this is",
            "    a step has one of these keys: exercise, name, steps, rest, say",
        ],
    ),
    "empty step": (
        HEAD + "[[steps]]\n",
        [
            "r.toml:2:1: steps[0]: can't tell what kind of step this is",
            "    a step has one of these keys: exercise, name, steps, rest, say",
        ],
    ),
    "text for a step": (
        HEAD + 'steps = ["neck-tilt"]\n',
        [
            'r.toml:2:10: steps[0]: a step must be a table, like { exercise = "neck-tilt" }',
            "    each entry starts on a line of its own with [[steps]], in double brackets",
        ],
    ),
    "single brackets": (
        HEAD + '[steps]\nexercise = "neck-tilt"\n',
        [
            "r.toml:2:2: steps: must be a list: [ … ]",
            "    each entry starts on a line of its own with [[steps]], in double brackets",
        ],
    ),
    "no steps": (
        HEAD,
        ["r.toml:1:1: steps: is missing", '    write [[steps]], and below it exercise = "neck-tilt"'],
    ),
    "empty steps": (
        HEAD + "steps = []\n",
        [
            "r.toml:2:1: steps: must have at least one entry",
            "    write at least one [[steps]], with exercise, name, rest or say below it",
        ],
    ),
    "empty block": (
        HEAD + "[[steps]]\nsteps = []\n",
        [
            "r.toml:3:1: steps[0].steps: must have at least one entry",
            "    write at least one [[steps]], with exercise, name, rest or say below it",
        ],
    ),
}
DURATIONS: dict[str, tuple[str, list[str]]] = {
    "negative": (
        EXERCISE + 'hold = "-5s"\n',
        ["r.toml:4:1: steps[0].hold: a duration can't be negative", "    " + DURATION],
    ),
    "negative number": (
        EXERCISE + "hold = -5\n",
        ["r.toml:4:1: steps[0].hold: a duration can't be negative", "    " + DURATION],
    ),
    "zero work": (
        EXERCISE + 'hold = "0s"\n',
        ["r.toml:4:1: steps[0].hold: work can't last zero seconds", '    for a pause, write a step with rest = "10s"'],
    ),
    "zero phase": (
        EXERCISE + "phases = [{ lasts = 0 }]\n",
        [
            "r.toml:4:13: steps[0].phases[0].lasts: work can't last zero seconds",
            '    for a pause, write a step with rest = "10s"',
        ],
    ),
    "not a number": (
        EXERCISE + "hold = nan\n",
        ["r.toml:4:1: steps[0].hold: nan is not a duration", "    " + DURATION],
    ),
    "infinite": (
        EXERCISE + "move = inf\n",
        ["r.toml:4:1: steps[0].move: inf is not a duration", "    " + DURATION],
    ),
    "too fine": (
        EXERCISE + 'hold = "1.2345s"\n',
        ["r.toml:4:1: steps[0].hold: 1.2345s is finer than a millisecond", "    " + DURATION],
    ),
    "too fine number": (
        EXERCISE + "hold = 1e-300\n",
        ["r.toml:4:1: steps[0].hold: 1e-300 is finer than a millisecond", "    " + DURATION],
    ),
    "too long": (
        EXERCISE + 'hold = "5h"\n',
        ["r.toml:4:1: steps[0].hold: 5h is longer than 4 hours", "    " + DURATION],
    ),
    "words": (
        EXERCISE + 'hold = "thirty"\n',
        ['r.toml:4:1: steps[0].hold: "thirty" is not a duration', "    " + DURATION],
    ),
    "space": (
        EXERCISE + 'hold = "30 s"\n',
        ['r.toml:4:1: steps[0].hold: "30 s" is not a duration', "    " + DURATION],
    ),
    "minutes": (
        HOLD + 'rest = "2min"\n',
        ['r.toml:5:1: steps[0].rest: "2min" is not a duration', "    " + DURATION],
    ),
    "empty": (
        EXERCISE + 'hold = ""\n',
        ['r.toml:4:1: steps[0].hold: "" is not a duration', "    " + DURATION],
    ),
    "boolean": (
        EXERCISE + "hold = true\n",
        ["r.toml:4:1: steps[0].hold: must be a duration", "    " + DURATION],
    ),
    "time of day": (
        EXERCISE + "hold = 00:00:30\n",
        ["r.toml:4:1: steps[0].hold: must be a duration", "    " + DURATION],
    ),
    "list": (
        EXERCISE + 'hold = ["5s"]\n',
        ["r.toml:4:1: steps[0].hold: must be a duration", "    " + DURATION],
    ),
    "semicolon": (
        EXERCISE + 'hold = "5s; 6s"\n',
        ['r.toml:4:1: steps[0].hold: "5s; 6s" is not a duration', "    " + DURATION],
    ),
    "negative gap": (
        HEAD + "[defaults]\nprepare = -1\n" + STEP,
        ["r.toml:3:1: defaults.prepare: a duration can't be negative", "    " + DURATION],
    ),
    "negative pause": (
        HEAD + '[[steps]]\nsay = "Hi."\npause = -1\n',
        ["r.toml:4:1: steps[0].pause: a duration can't be negative", "    " + DURATION],
    ),
}
VALUES: dict[str, tuple[str, list[str]]] = {
    "title missing": (
        STEP,
        ["r.toml:1:1: title: is missing", '    write it at the top: title = "Neck cool-down"'],
    ),
    "title number": (
        "title = 3\n" + STEP,
        ['r.toml:1:1: title: must be text, in quotes: "…"'],
    ),
    "title empty": (
        'title = " "\n' + STEP,
        ["r.toml:1:1: title: is empty", "    write the words, or take the line out"],
    ),
    "title without words": (
        'title = "…"\n' + STEP,
        ["r.toml:1:1: title: has no words", "    there must be a letter or a digit to say"],
    ),
    "title control": (
        'title = "a\\u0007b"\n' + STEP,
        ["r.toml:1:1: title: has a control character", "    delete it, it may be invisible in the editor"],
    ),
    "title placeholder": (
        'title = "About {total}"\n' + STEP,
        ["r.toml:1:1: title: {total} has no meaning in a name", "    placeholders are for sentences; say it in words"],
    ),
    "reps zero": (
        HOLD + "reps = 0\n",
        ["r.toml:5:1: steps[0].reps: must be 1 or more"],
    ),
    "reps float": (
        HOLD + "reps = 2.0\n",
        ["r.toml:5:1: steps[0].reps: must be a whole number, like 3"],
    ),
    "reps text": (
        HOLD + 'reps = "3"\n',
        ["r.toml:5:1: steps[0].reps: must be a whole number, like 3"],
    ),
    "reps many": (
        HOLD + "reps = 1001\n",
        ["r.toml:5:1: steps[0].reps: must be 1,000 or less"],
    ),
    "sides word": (
        HOLD + 'sides = "both"\n',
        [
            'r.toml:5:1: steps[0].sides: must be "none", "each" or "alternate"',
            '    or a list of your own, like ["left", "right"]',
        ],
    ),
    "sides near": (
        HOLD + 'sides = "Eahc"\n',
        ['r.toml:5:1: steps[0].sides: must be "none", "each" or "alternate"', '    did you mean "each"?'],
    ),
    "sides number": (
        HOLD + "sides = 2\n",
        [
            'r.toml:5:1: steps[0].sides: must be "none", "each" or "alternate"',
            '    or a list of your own, like ["left", "right"]',
        ],
    ),
    "sides empty": (
        HOLD + "sides = []\n",
        [
            "r.toml:5:1: steps[0].sides: must have at least one entry",
            '    write it like ["left", "right"], or sides = "none"',
        ],
    ),
    "sides numbers": (
        HOLD + "sides = [1, 2]\n",
        [
            'r.toml:5:10: steps[0].sides[0]: must be text, in quotes: "…"',
            'r.toml:5:13: steps[0].sides[1]: must be text, in quotes: "…"',
        ],
    ),
    "sides empty label": (
        HOLD + 'sides = ["left", ""]\n',
        ["r.toml:5:18: steps[0].sides[1]: is empty", "    write the words, or take the line out"],
    ),
    "needs text": (
        HOLD + 'needs = "a chair"\n',
        ["r.toml:5:1: steps[0].needs: must be a list: [ … ]", '    write it like ["a chair"]'],
    ),
    "phases empty": (
        EXERCISE + "phases = []\n",
        [
            "r.toml:4:1: steps[0].phases: must have at least one entry",
            '    write it like [{ say = "Lift.", lasts = "2s" }]',
        ],
    ),
    "phases of texts": (
        EXERCISE + 'phases = ["lift"]\n',
        ["r.toml:4:11: steps[0].phases[0]: must be a table"],
    ),
    "phase without length": (
        EXERCISE + 'phases = [{ say = "Lift." }]\n',
        ["r.toml:4:11: steps[0].phases[0].lasts: is missing", '    say how long the phase is: lasts = "2s"'],
    ),
    "voice text": (
        HEAD + 'voice = "en-us"\n' + STEP,
        ["r.toml:2:1: voice: must be a table", "    write [voice] on a line of its own, and its keys below it"],
    ),
    "voice slow": (
        HEAD + "voice = { rate_wpm = 1 }\n" + STEP,
        ["r.toml:2:11: voice.rate_wpm: must be 80 or more"],
    ),
    "voice gain text": (
        HEAD + 'voice = { gain_db = "1" }\n' + STEP,
        ["r.toml:2:11: voice.gain_db: must be a number, like 1.5"],
    ),
    "voice gain true": (
        HEAD + "voice = { gain_db = true }\n" + STEP,
        ["r.toml:2:11: voice.gain_db: must be a number, like 1.5"],
    ),
    "voice gain nan": (
        HEAD + "voice = { gain_db = nan }\n" + STEP,
        ["r.toml:2:11: voice.gain_db: must be a finite number"],
    ),
    "voice loud": (
        HEAD + "voice = { gain_db = 60 }\n" + STEP,
        ["r.toml:2:11: voice.gain_db: must be 6 or less"],
    ),
    "voice name escape": (
        HEAD + 'voice = { name = "\\u001b[31m" }\n' + STEP,
        ["r.toml:2:11: voice.name: has a control character", "    delete it, it may be invisible in the editor"],
    ),
    "profile near": (
        HEAD + 'cues = { profile = "norml" }\n' + STEP,
        ['r.toml:2:10: cues.profile: must be "bell", "quiet" or "normal"', '    did you mean "normal"?'],
    ),
    "profile not there yet": (
        HEAD + 'cues = { profile = "coach" }\n' + STEP,
        ['r.toml:2:10: cues.profile: must be "bell", "quiet" or "normal"'],
    ),
    "halfway false": (
        HEAD + "cues = { halfway = false }\n" + STEP,
        ['r.toml:2:10: cues.halfway: must be "voice", "chime" or "off"'],
    ),
    "safety text": (
        HEAD + 'cues = { safety = "false" }\n' + STEP,
        ["r.toml:2:10: cues.safety: must be true or false, without quotes"],
    ),
    "countdown text": (
        HEAD + 'cues = { countdown = "3s" }\n' + STEP,
        ["r.toml:2:10: cues.countdown: must be a whole number, like 3"],
    ),
    "countdown long": (
        HEAD + "cues = { countdown = 11 }\n" + STEP,
        ["r.toml:2:10: cues.countdown: must be 10 or less"],
    ),
    "language unknown": (
        'language = "de-AT"\ntitle = "T"\n[[steps]]\nname = "N"\nhold = "5s"\nsides = "each"\n',
        ['r.toml:1:1: language: there are no phrases for "de-AT"', "    there are: en"],
    ),
    "language word": (
        'language = "English!"\ntitle = "T"\n[[steps]]\nname = "N"\nhold = "5s"\n',
        ['r.toml:1:1: language: is not a language tag, like "en" or "pt-BR"'],
    ),
    "format newer": (
        'format = 2\ntitle = "T"\n[[steps]]\nname = "N"\nhold = "5s"\n',
        ["r.toml:1:1: format: this program reads format 1 only", "    a newer voiceroutine may read this file"],
    ),
    "format text": (
        'format = "1"\ntitle = "T"\n[[steps]]\nname = "N"\nhold = "5s"\n',
        ["r.toml:1:1: format: must be a whole number, like 3"],
    ),
    "format true": (
        'format = true\ntitle = "T"\n[[steps]]\nname = "N"\nhold = "5s"\n',
        ["r.toml:1:1: format: must be a whole number, like 3"],
    ),
}
EXERCISES: dict[str, tuple[str, list[str]]] = {
    "unknown": (
        HEAD + '[[steps]]\nexercise = "neck-tlt"\n',
        ['r.toml:3:1: steps[0].exercise: there is no exercise "neck-tlt"', '    did you mean "neck-tilt"?'],
    ),
    "unknown far": (
        HEAD + '[[steps]]\nexercise = "zzz"\n',
        [
            'r.toml:3:1: steps[0].exercise: there is no exercise "zzz"',
            '    see "voiceroutine exercises" for those that there are',
        ],
    ),
    "spelled as a name": (
        HEAD + '[[steps]]\nexercise = "Neck Tilt"\n',
        ["r.toml:3:1: steps[0].exercise: an id is lower-case words joined by hyphens", '    did you mean "neck-tilt"?'],
    ),
    "duplicate id": (
        ENTRY + 'hold = 5\n[[exercises]]\nid = "a"\nname = "B"\nhold = 5\n' + USE,
        ['r.toml:7:1: exercises[1].id: the id "a" is used twice', "    give each entry an id of its own"],
    ),
    "without a name": (
        HEAD + '[[exercises]]\nid = "a"\nhold = 5\n' + USE,
        ["r.toml:2:1: exercises[0].name: is missing", '    give it a name to be spoken: name = "…"'],
    ),
    "without an id": (
        HEAD + '[[exercises]]\nname = "A"\nhold = 5\n' + STEP,
        [
            "r.toml:2:1: exercises[0].id: is missing",
            '    write id = "my-stretch", and use it in a step as exercise = "my-stretch"',
        ],
    ),
    "unused with both": (
        ENTRY + "hold = 5\nmove = 5\n" + STEP,
        [
            "r.toml:6:1: exercises[0].move: has both hold and move",
            "    an exercise has exactly one of hold, move, phases",
        ],
    ),
    "used twice with both": (
        ENTRY + "hold = 5\nmove = 5\n" + USE + USE,
        [
            "r.toml:6:1: exercises[0].move: has both hold and move",
            "    an exercise has exactly one of hold, move, phases",
        ],
    ),
    "entry with neither": (
        ENTRY + USE,
        ["r.toml:5:1: steps[0]: has neither hold, move nor phases", '    say how long the work is, like hold = "30s"'],
    ),
    "both": (
        EXERCISE + "hold = 5\nmove = 5\n",
        ["r.toml:5:1: steps[0].move: has both hold and move", "    an exercise has exactly one of hold, move, phases"],
    ),
    "all three": (
        EXERCISE + "hold = 5\nphases = [{ lasts = 3 }]\nmove = 5\n",
        ["r.toml:6:1: steps[0].move: has both hold and move", "    an exercise has exactly one of hold, move, phases"],
    ),
    "neither": (
        EXERCISE,
        ["r.toml:2:1: steps[0]: has neither hold, move nor phases", '    say how long the work is, like hold = "30s"'],
    ),
}
PLACEHOLDER_CASES: dict[str, tuple[str, list[str]]] = {
    "unknown": (
        HOLD + 'instruction = "Turn {sid}."\n',
        ["r.toml:5:1: steps[0].instruction: unknown placeholder {sid}", '    did you mean "{side}"?'],
    ),
    "unknown far": (
        HOLD + 'instruction = "Turn {}."\n',
        ["r.toml:5:1: steps[0].instruction: unknown placeholder {}", "    " + PLACEHOLDERS],
    ),
    "attribute": (
        HOLD + 'cue = "Turn {name.x}."\n',
        ["r.toml:5:1: steps[0].cue: unknown placeholder {name.x}", '    did you mean "{name}"?'],
    ),
    "formatted": (
        HOLD + 'cue = "Turn {name:>10}."\n',
        ["r.toml:5:1: steps[0].cue: has something after the name in {name…}", "    write just {name}"],
    ),
    "single brace": (
        HOLD + 'caution = "a { b"\n',
        ["r.toml:5:1: steps[0].caution: has a single brace", "    write {{ for a brace, or a placeholder like {side}"],
    ),
    "single closing brace": (
        HOLD + 'caution = "a } b"\n',
        ["r.toml:5:1: steps[0].caution: has a single brace", "    write {{ for a brace, or a placeholder like {side}"],
    ),
    "in an unused entry": (
        ENTRY + 'hold = 5\ncue = "{nam}"\n' + STEP,
        ["r.toml:6:1: exercises[0].cue: unknown placeholder {nam}", '    did you mean "{name}"?'],
    ),
    "in an entry": (
        ENTRY + 'hold = 5\ncue = "{side}"\n' + USE + USE,
        [
            "r.toml:6:1: exercises[0].cue: {side} has no meaning here: there are no sides",
            "    take it out, or say it in words",
        ],
    ),
    "in the library": (
        HEAD + '[[steps]]\nexercise = "neck-tilt"\nsides = "none"\n',
        [
            "r.toml:2:1: steps[0].instruction: {side} has no meaning here: there are no sides",
            "    the library's text has it; give the step its own instruction",
            "r.toml:2:1: steps[0].cue: {side} has no meaning here: there are no sides",
            "    the library's text has it; give the step its own cue",
        ],
    ),
    "next in the last": (
        HOLD + 'instruction = "Then {next}."\n',
        [
            "r.toml:5:1: steps[0].instruction: {next} has no meaning here: no exercise follows",
            "    take it out, or say it in words",
        ],
    ),
    "next after the last": (
        HOLD + '[[steps]]\nsay = "Then {next}."\n',
        [
            "r.toml:6:1: steps[1].say: {next} has no meaning here: no exercise follows",
            "    take it out, or say it in words",
        ],
    ),
    "next in the last round": (
        HEAD + '[[steps]]\nrepeat = 2\nsteps = [\n  { name = "N", hold = 5 },\n  { rest = 5, say = "{next}" },\n]\n',
        [
            "r.toml:6:15: steps[0].steps[1].say: {next} has no meaning here: no exercise follows",
            "    take it out, or say it in words",
        ],
    ),
    "side without sides": (
        HOLD + 'instruction = "{side}"\n',
        [
            "r.toml:5:1: steps[0].instruction: {side} has no meaning here: there are no sides",
            "    take it out, or say it in words",
        ],
    ),
    "other side of four": (
        HOLD + 'sides = ["a", "b", "c", "d"]\ncue = "{other_side}"\n',
        [
            "r.toml:6:1: steps[0].cue: {other_side} has no meaning here: there aren't exactly two sides",
            "    take it out, or say it in words",
        ],
    ),
    "remaining": (
        HOLD + 'instruction = "{remaining}"\n',
        [
            "r.toml:5:1: steps[0].instruction: {remaining} has a meaning only inside work",
            "    take it out, or say it in words",
        ],
    ),
    "hold of phases": (
        EXERCISE + 'phases = [{ say = "{hold}", lasts = 3 }]\n',
        [
            "r.toml:4:13: steps[0].phases[0].say: {hold} has no meaning here: there is neither hold nor move",
            "    take it out, or say it in words",
        ],
    ),
    "in a name": (
        HEAD + '[[steps]]\nname = "{side} tilt"\nhold = 5\n',
        [
            "r.toml:3:1: steps[0].name: {side} has no meaning in a name",
            "    placeholders are for sentences; say it in words",
        ],
    ),
    "in a side": (
        HOLD + 'sides = ["left", "{name}"]\n',
        [
            "r.toml:5:18: steps[0].sides[1]: {name} has no meaning in a name",
            "    placeholders are for sentences; say it in words",
        ],
    ),
    "name in a say": (
        HEAD + '[[steps]]\nsay = "{name}"\n',
        ["r.toml:3:1: steps[0].say: {name} has no meaning here", "    take it out, or say it in words"],
    ),
}
SYNTAX: dict[str, tuple[str, list[str]]] = {
    "no quotes": (
        "title = T\n",
        [
            "r.toml:1:9: not valid TOML: there is no value that TOML knows",
            '    texts and durations stand in straight quotes: hold = "30s"',
        ],
    ),
    "no closing quote": (
        'title = "T\n',
        ["r.toml:1:11: not valid TOML: a text has no closing quote", '    a text of several lines stands between """'],
    ),
    "no closing single quote": (
        "title = 'T\n",
        [
            "r.toml:1:11: not valid TOML: a text has no closing quote",
            '    texts and durations stand in straight quotes: hold = "30s"',
        ],
    ),
    "no closing triple quote": (
        'title = """T\n',
        [
            "r.toml:1:13: not valid TOML: a text has no closing quote",
            '    texts and durations stand in straight quotes: hold = "30s"',
        ],
    ),
    "smart quotes": (
        "title = “T”\n",
        [
            "r.toml:1:9: not valid TOML: there is no value that TOML knows",
            '    texts and durations stand in straight quotes: hold = "30s"',
        ],
    ),
    "duration without quotes": (
        EXERCISE + "hold = 30s\n",
        ["r.toml:4:10: not valid TOML: the file ends too early", "    a list needs its ] and a { table } its }"],
    ),
    "same key": (
        HEAD + 'title = "U"\n',
        [
            "r.toml:2:12: not valid TOML: the same key is written twice",
            "    keep one of them; each step starts with [[steps]], in double brackets",
        ],
    ),
    "same key in a table": (
        'voice = { name = "a", name = "b" }\n',
        [
            "r.toml:1:33: not valid TOML: the same key is written twice",
            "    keep one of them; each step starts with [[steps]], in double brackets",
        ],
    ),
    "steps in single brackets": (
        HEAD + "[steps]\nrest = 5\n[steps]\nrest = 6\n",
        [
            "r.toml:4:7: not valid TOML: the same table is written twice",
            "    keep one of them; each step starts with [[steps]], in double brackets",
        ],
    ),
    "table open": (
        HEAD + "[[steps]\n",
        [
            "r.toml:2:8: not valid TOML: a [table] is not closed",
            "    write it like [cues], and each step like [[steps]]",
        ],
    ),
    "table open 2": (
        HEAD + "[cues\n",
        [
            "r.toml:2:6: not valid TOML: a [table] is not closed",
            "    write it like [cues], and each step like [[steps]]",
        ],
    ),
    "no equals": (
        'title "T"\n',
        ["r.toml:1:7: not valid TOML: a key has no =", "    write it like reps = 3"],
    ),
    "list open": (
        HEAD + "steps = [\n",
        ["r.toml:2:10: not valid TOML: the file ends too early", "    a list needs its ] and a { table } its }"],
    ),
    "list without comma": (
        HEAD + "needs = [1 2]\n",
        [
            "r.toml:2:12: not valid TOML: a list is not closed",
            "    entries have commas between them, and a ] at the end",
        ],
    ),
    "inline table open": (
        'voice = { name = "x" \n',
        [
            "r.toml:1:22: not valid TOML: a { table } is not closed",
            "    its keys have commas between them, and a } at the end",
        ],
    ),
    "backslash": (
        'title = "a\\d"\n',
        ["r.toml:1:13: not valid TOML: a \\ in a text has no meaning", "    write \\\\ for a backslash"],
    ),
    "unicode": (
        'title = "\\ud800"\n',
        ["r.toml:1:16: not valid TOML: a \\ in a text has no meaning", "    write \\\\ for a backslash"],
    ),
    "control": (
        'title = "a\x07b"\n',
        ["r.toml:1:11: not valid TOML: has a control character", "    delete it; it may be invisible in the editor"],
    ),
    "bare return": (
        'title = "a"\rb = 1\n',
        ["r.toml:1:12: not valid TOML: the file ends too early", "    a list needs its ] and a { table } its }"],
    ),
    "date": (
        "title = 2020-13-45\n",
        ["r.toml:1:13: not valid TOML: the file ends too early", "    a list needs its ] and a { table } its }"],
    ),
    "no key": (
        "= 3\n",
        [
            "r.toml:1:1: not valid TOML: this is no line of a routine",
            "    a line is a [table], a # comment, or key = value",
        ],
    ),
    "sentence": (
        "neck tilt, 30 s\n",
        ["r.toml:1:6: not valid TOML: a key has no =", "    write it like reps = 3"],
    ),
    "no dotted": (
        "a. = 3\n",
        ["r.toml:1:4: not valid TOML: a key is missing", "    write it like reps = 3"],
    ),
}
WHOLE: dict[str, tuple[str, list[str]]] = {
    "nothing": (
        "",
        [
            "r.toml:1:1: there is nothing in this file",
            '    a routine begins with title = "…", and each step with [[steps]]',
        ],
    ),
    "a comment": (
        "# only a comment\n",
        [
            "r.toml:1:1: there is nothing in this file",
            '    a routine begins with title = "…", and each step with [[steps]]',
        ],
    ),
    "spaces": (
        " \n\n",
        [
            "r.toml:1:1: there is nothing in this file",
            '    a routine begins with title = "…", and each step with [[steps]]',
        ],
    ),
    "several": (
        'titl = "T"\n[[steps]]\nname = "N"\nhold = "x"\nrep = 3\n[[steps]]\nrest = -5\n',
        [
            "r.toml:1:1: title: is missing",
            '    write it at the top: title = "Neck cool-down"',
            'r.toml:1:1: titl: unknown key "titl"',
            '    did you mean "title"?',
            'r.toml:4:1: steps[0].hold: "x" is not a duration',
            "    " + DURATION,
            'r.toml:5:1: steps[0].rep: an exercise step has no key "rep"',
            '    did you mean "reps"?',
            "r.toml:7:1: steps[1].rest: a duration can't be negative",
            "    " + DURATION,
        ],
    ),
    "several of meaning": (
        EXERCISE + '[[steps]]\nexercise = "zzz"\n[[steps]]\nsay = "{x}"\n',
        [
            "r.toml:2:1: steps[0]: has neither hold, move nor phases",
            '    say how long the work is, like hold = "30s"',
            'r.toml:5:1: steps[1].exercise: there is no exercise "zzz"',
            '    see "voiceroutine exercises" for those that there are',
            "r.toml:7:1: steps[2].say: unknown placeholder {x}",
            "    " + PLACEHOLDERS,
        ],
    ),
}
TOGETHER: dict[str, tuple[str, list[str]]] = {
    "six kinds": (
        HEAD
        + "[cues]\ncountdwn = 3\n"
        + '[[steps]]\nname = "A"\nhold = "5s"\nhodl = "6s"\n'
        + '[[steps]]\nexercise = "nope"\n'
        + '[[steps]]\nsay = "{nmae}"\n'
        + '[[steps]]\nname = "B"\nhold = 5\nmove = 5\n'
        + "[[steps]]\nreps = 3\n"
        + '[[steps]]\nsteps = [{ rest = -1 }, { name = "C" }]\n',
        [
            'r.toml:3:1: cues.countdwn: unknown key "countdwn"',
            '    did you mean "countdown"?',
            'r.toml:7:1: steps[0].hodl: an exercise step has no key "hodl"',
            '    did you mean "hold"?',
            'r.toml:9:1: steps[1].exercise: there is no exercise "nope"',
            '    see "voiceroutine exercises" for those that there are',
            "r.toml:11:1: steps[2].say: unknown placeholder {nmae}",
            '    did you mean "{name}"?',
            "r.toml:15:1: steps[3].move: has both hold and move",
            "    an exercise has exactly one of hold, move, phases",
            "r.toml:16:1: steps[4]: can't tell what kind of step this is",
            "    an exercise step needs the key exercise or name",
            "r.toml:19:12: steps[5].steps[0].rest: a duration can't be negative",
            "    " + DURATION,
            "r.toml:19:25: steps[5].steps[1]: has neither hold, move nor phases",
            '    say how long the work is, like hold = "30s"',
        ],
    ),
    "in one step": (
        HEAD + '[[steps]]\nexercise = "nope"\nhodl = "5s"\ncue = "{nmae}"\n',
        [
            'r.toml:3:1: steps[0].exercise: there is no exercise "nope"',
            '    see "voiceroutine exercises" for those that there are',
            'r.toml:4:1: steps[0].hodl: an exercise step has no key "hodl"',
            '    did you mean "hold"?',
            "r.toml:5:1: steps[0].cue: unknown placeholder {nmae}",
            '    did you mean "{name}"?',
        ],
    ),
    "in one step with its texts": (
        EXERCISE + 'hodl = "5s"\ncue = "{nmae}"\n',
        [
            'r.toml:4:1: steps[0].hodl: an exercise step has no key "hodl"',
            '    did you mean "hold"?',
            "r.toml:5:1: steps[0].cue: unknown placeholder {nmae}",
            '    did you mean "{name}"?',
        ],
    ),
    "in one entry": (
        HEAD + '[[exercises]]\nid = "a"\nnmae = "A"\nhold = 5\nmove = 5\n' + USE,
        [
            'r.toml:4:1: exercises[0].nmae: unknown key "nmae"',
            '    did you mean "name"?',
            "r.toml:6:1: exercises[0].move: has both hold and move",
            "    an exercise has exactly one of hold, move, phases",
        ],
    ),
    "no title": (
        'title = 3\n[[steps]]\nexercise = "nope"\n',
        [
            'r.toml:1:1: title: must be text, in quotes: "…"',
            'r.toml:3:1: steps[0].exercise: there is no exercise "nope"',
            '    see "voiceroutine exercises" for those that there are',
        ],
    ),
    "no steps": (
        'title = "{side}"\n',
        [
            "r.toml:1:1: steps: is missing",
            '    write [[steps]], and below it exercise = "neck-tilt"',
            "r.toml:1:1: title: {side} has no meaning in a name",
            "    placeholders are for sentences; say it in words",
        ],
    ),
    "wrong in a step of each kind": (
        HEAD + '[[steps]]\nsay = 3\n[[steps]]\nrest = "x"\nsay = "{nmae}"\n[[steps]]\nsteps = []\ntitle = ""\n',
        [
            'r.toml:3:1: steps[0].say: must be text, in quotes: "…"',
            'r.toml:5:1: steps[1].rest: "x" is not a duration',
            "    " + DURATION,
            "r.toml:6:1: steps[1].say: unknown placeholder {nmae}",
            '    did you mean "{name}"?',
            "r.toml:8:1: steps[2].steps: must have at least one entry",
            "    write at least one [[steps]], with exercise, name, rest or say below it",
            "r.toml:9:1: steps[2].title: is empty",
            "    write the words, or take the line out",
        ],
    ),
}
CONSEQUENCES: dict[str, tuple[str, str]] = {
    "the work": (EXERCISE + 'hold = "x"\ncue = "{hold}"\n', "steps[0].hold"),
    "the sides": (HOLD + 'sides = 3\ncue = "To the {side}."\n', "steps[0].sides"),
    "the phases": (EXERCISE + 'phases = [{ say = "Lift." }]\n', "steps[0].phases[0].lasts"),
    "an id": (HEAD + '[[exercises]]\nid = "My A"\nname = "A"\nhold = 5\n' + USE, "exercises[0].id"),
    "the work of an entry": (ENTRY + 'hold = "x"\ncue = "{hold}"\n' + USE, "exercises[0].hold"),
    "an entry of another kind": (HEAD + "exercises = [3]\n" + USE, "exercises[0]"),
    "the last exercise": (HEAD + '[[steps]]\nsay = "{next}"\n[[steps]]\nexcercise = "neck-tilt"\n', "steps[1]"),
    "the list of steps": (HEAD + '[steps]\nsay = "{next}"\n', "steps"),
}
CASES = {
    f"{group}: {name}": case
    for group, cases in {
        "unknown key": UNKNOWN_KEYS,
        "kind of step": KINDS,
        "duration": DURATIONS,
        "value": VALUES,
        "exercise": EXERCISES,
        "placeholder": PLACEHOLDER_CASES,
        "syntax": SYNTAX,
        "whole file": WHOLE,
        "together": TOGETHER,
    }.items()
    for name, case in cases.items()
}


def load(text: str) -> Routine:
    routine = load_routine(parse_document(text, "r.toml"), LIBRARY)
    unroll(routine)
    return routine


def told(text: str) -> str:
    start_s = time.perf_counter()
    with pytest.raises(RoutineError) as caught:
        load(text)
    assert time.perf_counter() - start_s < 1
    return str(caught.value)


def told_of_file(path: Path) -> str:
    with pytest.raises(RoutineError) as caught:
        read_document(path)
    return str(caught.value).replace(str(path), "r.toml")


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_the_author_is_told(text: str, expected: list[str]) -> None:
    assert told(text).split("\n") == expected


@pytest.mark.parametrize(("text", "path"), CONSEQUENCES.values(), ids=CONSEQUENCES.keys())
def test_what_follows_from_a_mistake_is_not_told_as_another(text: str, path: str) -> None:
    with pytest.raises(RoutineError) as caught:
        load(text)
    assert [problem.where.path for problem in caught.value.problems] == [path]


@pytest.mark.parametrize(
    "text", [HOLD, HOLD.replace("\n", "\r\n"), "\ufeff" + HOLD, "\ufeff" + HOLD.replace("\n", "\r\n")]
)
def test_a_byte_order_mark_and_windows_line_ends_load(text: str, tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_bytes(text.encode())
    assert load_routine(read_document(file), LIBRARY).title == load(text).title == "T"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("hold = " + "9" * 4000, "r.toml:4:1: steps[0].hold: is longer than 4 hours\n    " + DURATION),
        ("hold = 0x" + "f" * 9000, "r.toml:4:1: steps[0].hold: is longer than 4 hours\n    " + DURATION),
        ("hold = -" + "9" * 4000, "r.toml:4:1: steps[0].hold: a duration can't be negative\n    " + DURATION),
        ("hold = " + "9" * 5000, "r.toml:4:8: not valid TOML: a number is too long\n    is it right?"),
        ("hold = 5\nreps = 0x" + "f" * 9000, "r.toml:5:1: steps[0].reps: must be 1,000 or less"),
        (
            "hold = 5\nsides = 0x" + "f" * 9000,
            'r.toml:5:1: steps[0].sides: must be "none", "each" or "alternate"\n'
            '    or a list of your own, like ["left", "right"]',
        ),
        (
            'hold = 5\ninstruction = "' + "a " * 1001 + '"',
            "r.toml:5:1: steps[0].instruction: is longer than 2,000 characters",
        ),
        (
            "hold = 5\n" + "a" * 100 + " = 5",
            f"r.toml:5:1: steps[0].{'a' * 40}…: an exercise step has no key {chr(34) + 'a' * 39}…\n    {EXERCISE_KEYS}",
        ),
        (
            'hold = 5\ncue = "{' + "a" * 100 + '}"',
            f"r.toml:5:1: steps[0].cue: unknown placeholder {{{'a' * 39}…\n    {PLACEHOLDERS}",
        ),
    ],
    ids=["huge", "huge hex", "huge negative", "beyond reading", "reps", "sides", "text", "key", "placeholder"],
)
def test_what_is_huge_is_told_in_short(line: str, expected: str) -> None:
    assert told(f"{EXERCISE}{line}\n") == expected


def test_a_folder(tmp_path: Path) -> None:
    assert told_of_file(tmp_path) == "r.toml: is a folder\n    name the TOML file in it"


def test_a_missing_file(tmp_path: Path) -> None:
    expected = "r.toml: can't be read: No such file or directory\n    is the name right?"
    assert told_of_file(tmp_path / "missing.toml") == expected


def test_a_name_too_long_for_a_file(tmp_path: Path) -> None:
    assert told_of_file(tmp_path / ("a" * 300)) == "r.toml: can't be read: File name too long\n    is the name right?"


def test_a_name_that_no_file_has() -> None:
    with pytest.raises(RoutineError) as caught:
        read_document(Path("a\0b"))
    assert str(caught.value) == "a\\x00b: can't be the name of a file\n    is the name right?"


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n", b"title = 1\0", "title = 'é'".encode("latin-1"), HEAD.encode("utf-16")]
)
def test_a_binary_file(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_bytes(content)
    hint = "a routine is TOML, written in UTF-8; is this the right file?"
    assert told_of_file(file) == f"r.toml: is not a text file\n    {hint}"


def test_ten_megabytes_of_text(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text("# a comment\n" * 900_000)
    expected = "r.toml: is larger than 1 MiB\n    a routine is a short text; is this the right file?"
    assert told_of_file(file) == expected
    assert told(file.read_text()) == expected


def blocks(depth: int, inner: str, repeat: int = 1) -> str:
    return f"{HEAD}steps = [" + f"{{ repeat = {repeat}, steps = [" * depth + inner + "] }" * depth + "]\n"


def test_blocks_nested_as_deep_as_allowed_load() -> None:
    assert load(blocks(7, "{ rest = 1 }")).title == "T"


def test_blocks_nested_too_deep() -> None:
    path = "steps[0]." * 8 + "steps"
    assert told(blocks(8, "{ rest = 1 }")) == (
        f"r.toml:2:185: {path}: blocks are nested more than 8 deep\n    write the steps one after another"
    )


@pytest.mark.parametrize(
    ("text", "column"),
    [
        (blocks(200, "{ rest = 1 }"), 456),
        (f"{HEAD}steps = {'[' * 200}{']' * 200}\n", 49),
        (f"{HEAD}steps = {'[' * 400_000}{']' * 400_000}\n", 49),
        (f"{HEAD}{'a.' * 200_000}a = 1\n", 1),
        (f"{HEAD}[{'a . ' * 100}a]\n", 2),
    ],
    ids=["blocks", "lists", "very many lists", "dotted key", "header"],
)
def test_anything_nested_too_deep(text: str, column: int) -> None:
    assert told(text) == f"r.toml:2:{column}: is nested too deep\n    blocks may be nested 8 deep"


@pytest.mark.parametrize(
    "text",
    [
        blocks(7, '{ name = "N", hold = 5 }', repeat=1000),
        blocks(7, "{ rest = 0 }", repeat=1000),
        f"{HOLD}reps = 1000\nsets = 6\n",
        f'{HOLD}reps = 1000\nsets = 1000\nsides = "each"\n',
        HEAD + '[[steps]]\nsay = "Hi."\n' * 5001,
    ],
    ids=["exercise", "rest of nothing", "reps", "reps of sets", "steps"],
)
def test_too_many_intervals(text: str) -> None:
    assert told(text) == (
        "r.toml:1:1: steps: has more than 5,000 intervals once every round, set and rep is written out\n"
        "    are repeat, sets and reps right? --no-limits plays it all the same"
    )


def test_too_long() -> None:
    step = '[[steps]]\nname = "N"\nhold = "121m"\n'
    assert told(HEAD + step * 2) == (
        "r.toml:1:1: steps: is longer than 4 hours\n    are the durations right? --no-limits plays it all the same"
    )


@pytest.mark.parametrize(
    ("text", "more"),
    [(HEAD + "".join(f"a{n} = 1\n" for n in range(10_000)) + STEP, 9_950), (HEAD + "[[steps]]\n" * 5_051, 5_001)],
    ids=["keys", "steps"],
)
def test_the_first_problems_are_told_and_the_rest_counted(text: str, more: int) -> None:
    lines = told(text).split("\n")
    assert len(lines) == 2 * MOST_PROBLEMS + 2
    assert lines[-2:] == [f"r.toml: and {more:,} more problems", "    mend these first, then check again"]


def test_thousands_of_unknown_exercises_are_told_quickly() -> None:
    text = HEAD + "".join(f'[[steps]]\nexercise = "x-{n}"\n' for n in range(10_000))
    assert told(text).count("there is no exercise") == MOST_PROBLEMS
