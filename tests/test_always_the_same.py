"""What is promised of many sentences, languages, threads and processes at once."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from voiceroutine.routine import VoiceSettings
from voiceroutine.voices import load_engine

pytestmark = pytest.mark.slow

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt-br", "pl", "sv", "ru")
UTTERANCES = 100
PROCESSES = 3
THREADS = 4


def digest(threads: int) -> str:
    """Return a hash of the samples and words of 100 utterances in each of 10 languages."""
    engine = load_engine("espeak")

    def spoken(number: int, language: str) -> str:
        clip = engine.synthesize(f"{number}.", VoiceSettings(language=language))
        assert len(clip.samples) > 2_000
        return hashlib.sha256(clip.samples.tobytes() + repr(clip.words).encode()).hexdigest()

    asked = [(number, language) for language in LANGUAGES for number in range(UTTERANCES)]
    with ThreadPoolExecutor(threads) as pool:
        digests = [*pool.map(spoken, *zip(*asked, strict=True))]
    assert len({*digests}) > UTTERANCES
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def test_a_thousand_utterances_are_the_same_in_every_process_and_thread() -> None:
    code = "import test_always_the_same as here; print(here.digest(1))"
    folders = [str(Path(__file__).parent), *sys.path]
    environments = [
        {**os.environ, "PYTHONPATH": os.pathsep.join(folders), "PYTHONHASHSEED": str(seed), "PADDING": "x" * 999 * seed}
        for seed in range(PROCESSES)
    ]
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
        for environment in environments
    ]
    found = [digest(THREADS), *(process.communicate()[0].strip() for process in processes)]
    assert found == found[:1] * (PROCESSES + 1)


COUNTING = """
import os, sys, time, wave
text, output = sys.argv[1:]
with open(os.environ["SPOKEN"], "a") as file:
    file.write(text + "\\n")
time.sleep(0.1)
with wave.open(output, "wb") as file:
    file.setparams((1, 2, 16000, 0, "NONE", ""))
    file.writeframes(b"\\0\\x20\\0\\xe0" * (len(text) * 300))
"""
ROUTINE = 'title = "Short"\n[[steps]]\nname = "Neck"\nhold = "5s"\nreps = 2\n'
EXPORTS = 12


def test_programs_that_run_at_once_share_what_each_of_them_makes(tmp_path: Path) -> None:
    (tmp_path / "speak.py").write_text(COUNTING)
    (tmp_path / "short.toml").write_text(ROUTINE)
    spoken = tmp_path / "spoken"
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "SPOKEN": str(spoken)}
    voice = f"command:{json.dumps([sys.executable, '-S', str(tmp_path / 'speak.py'), '{text}', '{output}'])}"
    exports = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "voiceroutine", "export", str(tmp_path / "short.toml"), "--voice", voice),
                *("-q", "-o", str(tmp_path / f"{number}.wav")),
            ],
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for number in range(EXPORTS)
    ]
    assert [(export.communicate()[1], export.returncode) for export in exports] == [("", 0)] * EXPORTS
    assert len({(tmp_path / f"{number}.wav").read_bytes() for number in range(EXPORTS)}) == 1
    counts = Counter(spoken.read_text().splitlines())
    assert len(counts) > 5
    assert max(counts.values()) <= 2
    assert not [*(tmp_path / "cache").rglob("*.part")]
