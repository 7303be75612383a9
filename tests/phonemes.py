"""What espeak-ng makes of texts: their phonemes, by which two ways of writing the same words can be compared.

Run as a script it speaks to nobody but the functions below. The library lives in that process of its own, because an
engine under test needs to be the only one that has it loaded.
"""

from __future__ import annotations

import ctypes
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_SYNCHRONOUS, _DONT_EXIT, _UTF_8, _IPA = 2, 0x8000, 1, 2
_LONGEST_DATA_PATH = 150
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


def phonemes(texts: Sequence[str], voice: str) -> list[str]:
    """Return the phonemes of texts in IPA, without stress, gaps and needless differences."""
    ended = subprocess.run(
        [sys.executable, __file__, voice], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    return [_plain(found, voice) for found in json.loads(ended.stdout)]


def _plain(found: str, voice: str) -> str:
    plain = _MELODY.sub("", found)
    for one, other in _SAME.get(voice, ()):
        plain = re.sub(one, other, plain)
    return plain


def _heard(library: Any, text: str) -> str:
    content = ctypes.create_string_buffer(text.encode() + b"\0")
    rest = ctypes.c_void_p(ctypes.addressof(content))
    clauses = []
    while rest.value:
        clauses.append(library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF_8, _IPA).decode())
    return "".join(clauses)


def _main(voice: str) -> None:
    import espeakng_loader

    library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
    data = Path(espeakng_loader.get_data_path())
    with tempfile.TemporaryDirectory(prefix="espeak-") as folder:
        if len(str(data)) > _LONGEST_DATA_PATH:
            data = Path(shutil.copytree(data, Path(folder) / "data"))
        assert library.espeak_Initialize(_SYNCHRONOUS, 0, str(data).encode(), _DONT_EXIT) > 0
        assert library.espeak_SetVoiceByName(voice.encode()) == 0
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        library.espeak_TextToPhonemes.argtypes = (ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int)
        json.dump([_heard(library, text) for text in json.load(sys.stdin)], sys.stdout)
        library.espeak_Terminate()


if __name__ == "__main__":
    _main(sys.argv[1])
