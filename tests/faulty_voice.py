"""A child process of the system's voice that fails in every way there is. Arguments: how, and from which job on."""

from __future__ import annotations

import io
import json
import math
import os
import struct
import sys
import time
import wave
from pathlib import Path

HOW, AFTER = sys.argv[1], int(sys.argv[2])
MARK = Path(sys.argv[3]) if len(sys.argv) > 3 else None
RATE_HZ = 16_000
VOICES = (
    {"id": "v1", "name": "Anna", "languages": ["en_US"]},
    {"id": "v2", "name": "Bert", "languages": ["407"]},
)


def sound(text: str, level: float = 8_000) -> bytes:
    frames = [int(level * math.sin(index * 0.1)) for index in range(len(text) * RATE_HZ // 16)]
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(struct.pack(f"<{len(frames)}h", *frames))
    return out.getvalue()


def aiff(wav: bytes) -> bytes:
    samples = wav[44:]
    swapped = b"".join(samples[at + 1 : at + 2] + samples[at : at + 1] for at in range(0, len(samples), 2))
    rate = struct.pack(">HQ", 16383 + 13, RATE_HZ << 50)
    common = b"COMM" + struct.pack(">IhIh", 18, 1, len(samples) // 2, 16) + rate
    data = b"SSND" + struct.pack(">III", len(samples) + 8, 0, 0) + swapped
    return b"FORM" + struct.pack(">I", 4 + len(common) + len(data)) + b"AIFF" + common + data


def content_of(text: str) -> bytes | None:
    whole = sound(text)
    broken: dict[str, bytes | None] = {
        "empty file": b"",
        "header only": sound(""),
        "half a file": whole[: len(whole) // 2],
        "silence": sound(text, level=0),
        "no file": None,
        "text": b"this is not sound at all",
        "AIFF in .wav": aiff(whole),
    }
    return broken.get(HOW, whole)


def answer(job: dict[str, str]) -> None:
    content = content_of(job["text"]) if is_faulty() else sound(job["text"])
    if content is not None:
        Path(job["path"]).write_bytes(content)
    if is_faulty() and HOW == "rubbish":
        print("Audio saved to x.wav\n{not json\n[1]\n" + "x" * 100_000)
        print(json.dumps({"id": -1, "error": "of another job"}))
    if is_faulty() and HOW == "error":
        print(json.dumps({"id": job["id"], "error": "RuntimeError: run loop already started"}))
    elif is_faulty() and HOW == "only rubbish":
        print("Audio saved to x.wav")
    else:
        print(json.dumps({"id": job["id"]}))


def is_faulty() -> bool:
    """Count jobs over all children, so that a new one isn't new again."""
    if MARK is None:
        return True
    return MARK.exists() and MARK.stat().st_size > AFTER


def main() -> None:
    if HOW == "exits at once":
        sys.exit(3)
    for line in sys.stdin:
        job = json.loads(line)
        if job["do"] == "voices":
            if HOW == "lists late":
                time.sleep(1.5)
            if HOW == "dies while listing" and MARK and not MARK.exists():
                MARK.touch()
                os.kill(os.getpid(), 9)
            print(json.dumps({"id": job["id"], "version": "0", "voices": VOICES}), flush=True)
            continue
        if MARK:
            with MARK.open("ab") as file:
                file.write(b".")
        if is_faulty() and HOW == "dies":
            os.kill(os.getpid(), 9)
        if is_faulty() and HOW == "hangs":
            time.sleep(60)
        answer(job)
        sys.stdout.flush()


main()
