"""What espeak-ng makes of a text: its phonemes, by which two ways of writing the same words can be compared."""

from __future__ import annotations

import ctypes
import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from voiceroutine.voices import espeak

_SYNCHRONOUS, _DONT_EXIT, _UTF_8, _IPA = 2, 0x8000, 1, 2
# Stress and the gaps between words are melody, not words: espeak stresses "30" and "thirty" otherwise, and draws
# short words together.
_MELODY = re.compile(r"[\sˈˌ_\u200d|-]+")

# What espeak says in two ways that are the same to a listener: patterns, and what they become.
_SAME = {
    # "vierzig" as a word and "40".
    "de": (("fiːɾtsɪç", "fɪɾtsɪç"),),
    # Spanish has one e, one d and, for most, one sound for ll and y; the shade depends on digits and gaps.
    "es": (("ɛ", "e"), ("ɪ", "i"), ("ð", "d"), ("dd", "d"), ("ʎ", "ʝ")),
    # The mute e of "quatre-vingts" and the q of "cinq cents" are said by some and not by others.
    "fr": (("katʁəv", "katʁv"), ("sɛ̃ksɑ̃", "sɛ̃sɑ̃")),
    # Unstressed vowels are reduced otherwise in "10" than in "десять", as is the end of "семь", and espeak stresses
    # some words of numbers wrongly. What tells forms apart stays: минута, минуты, минут.
    "ru": (
        *(("sʲejm", "sʲemʲ"), ("dʲdʲɪsʲj?", "tʲdʲisʲ"), ("ʃɛsʲ?tʲ", "ʃɛst"), ("pʲɪts", "pʲatʲs"), ("ɭɭ", "ɭ")),
        *(("[ɑʌoɔə]", "a"), ("[ɪeɛ]", "i"), ("ʲa", "ʲi")),
    ),
}


def phonemes(text: str, voice: str) -> str:
    """Return the phonemes of a text in IPA, without stress, gaps and needless differences."""
    found = _worker().submit(_phonemes, text, voice).result()
    for one, other in _SAME.get(voice, ()):
        found = re.sub(one, other, found)
    return found


@cache
def _worker() -> ThreadPoolExecutor:
    """One thread does all the work: two would abort the process."""
    return ThreadPoolExecutor(1, "phonemes")


@cache
def _library() -> Any:
    installation = espeak._installation()
    library = espeak._library(installation.library)
    data = espeak._data_argument(installation)
    assert library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DONT_EXIT) > 0
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = (ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int)
    return library


def _phonemes(text: str, voice: str) -> str:
    library = _library()
    assert library.espeak_SetVoiceByName(voice.encode()) == 0
    content = ctypes.create_string_buffer(text.encode() + b"\0")
    rest = ctypes.c_void_p(ctypes.addressof(content))
    clauses = []
    while rest.value:
        clauses.append(library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF_8, _IPA).decode())
    return _MELODY.sub("", "".join(clauses))
