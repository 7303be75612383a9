"""`{side}`, `{hold}` and the others: which there are, whether a text may use them, and how they are filled."""

from __future__ import annotations

import re
from string import Formatter
from typing import TYPE_CHECKING

from voiceroutine.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set

PLACEHOLDERS = (
    "name", "side", "other_side", "hold", "rep", "reps", "set", "sets", "next", "remaining", "total",
)  # fmt: skip

_MEANINGLESS = {
    "side": "{side} has no meaning here: there are no sides",
    "other_side": "{other_side} has no meaning here: there aren't exactly two sides",
    "hold": "{hold} has no meaning here: there is neither hold nor move",
    "next": "{next} has no meaning here: no exercise follows",
    "remaining": "{remaining} has a meaning only inside work",
}


def placeholder_problems(
    text: str, meaningful: Set[str], known: Sequence[str] = PLACEHOLDERS
) -> Iterator[tuple[str, str]]:
    """Yield (message, hint) for everything in a text that can't be filled.

    Args:
        text: the author's text; `{{` is a brace.
        meaningful: the placeholders that have a meaning where the text is said.
        known: the placeholders that there are.
    """
    try:
        used = [part for part in Formatter().parse(text) if part[1] is not None]
    except ValueError:
        yield "has a single brace", "write {{ for a brace, or a placeholder like {side}"
        return
    for _, name, form, conversion in used:
        if name is None or name not in known:
            yield f"unknown placeholder {{{name}}}", _nearest(name or "", known)
        elif form or conversion:
            yield f"has something after the name in {{{name}…}}", f"write just {{{name}}}"
        elif name not in meaningful:
            yield _MEANINGLESS.get(name, f"{{{name}}} has no meaning here"), "take it out, or say it in words"


_IN_EXERCISE = frozenset({"name", "rep", "reps", "set", "sets", "total"})
_OF_EXERCISE = frozenset({"side", "label", "set", "last_set", "rep", "ready"})
_OF_WORK = frozenset({"halfway", "remaining", "breathe_in", "breathe_out"})


def phrase_problems(key: str, text: str, built_in: str) -> Iterator[tuple[str, str]]:
    """Yield (message, hint) for everything in an author's phrase that can't be filled.

    Args:
        key: what the phrase is called; those of an exercise know its name, rep and set.
        text: the author's words.
        built_in: the phrase that they stand for.
    """
    meaningful = {name for _, name, _, _ in Formatter().parse(built_in) if name}
    meaningful |= _IN_EXERCISE if key in _OF_EXERCISE | _OF_WORK else {"total"}
    meaningful |= {"remaining"} if key in _OF_WORK else set()
    has = f"this phrase may have {', '.join(f'{{{name}}}' for name in sorted(meaningful))}"
    for message, hint in placeholder_problems(text, meaningful, known=(*PLACEHOLDERS, *meaningful)):
        yield message, has if "no meaning" in message else hint


def unfilled_problems(text: str) -> Iterator[tuple[str, str]]:
    """Yield (message, hint) for every placeholder in a name, where none is filled."""
    for name in re.findall(r"\{(\w+)\}", text):
        if name in PLACEHOLDERS:
            yield f"{{{name}}} has no meaning in a name", "placeholders are for sentences; say it in words"


def _nearest(name: str, known: Sequence[str]) -> str:
    nearest = did_you_mean(name.strip().lower(), known)
    if nearest:
        return re.sub(r'"(\w+)"', r'"{\1}"', nearest)
    return "known: " + ", ".join(f"{{{one}}}" for one in known)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Fill the placeholders of a text that has no problems; one that begins a sentence begins with a capital."""
    filled = ""
    for written, name, _, _ in Formatter().parse(text):
        filled += written
        value = values[name] if name else ""
        filled += value[:1].upper() + value[1:] if _SENTENCE_BEGINS.search(filled) else value
    return filled


_SENTENCE_BEGINS = re.compile(r"(?:^|[.!?…]\s+)$")
