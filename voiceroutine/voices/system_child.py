"""The process in which pyttsx3 speaks: a line of JSON in, a line of JSON out.

It stands alone, because pyttsx3 may hang, crash or end its process. What is not obvious:

- pyttsx3 prints, so standard output is set aside before it is imported.
- Of several sentences before one run of its loop only the last is made, and its engine keeps jobs of before: each
  sentence has an engine of its own.
- Errors of properties come only through a callback.
- With espeak-ng its loop ends while a thread of the library still speaks: what counts is that the end was told.
- On Linux it needs espeak-ng, which it looks for by name alone: the embedded one is loaded first.

Arguments: the library to load first, if there is one.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import queue
import sys
import threading
from importlib.metadata import version
from typing import Any


def main() -> None:
    """Answer one line after the other, until there is nothing more to read."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    for library in sys.argv[1:]:
        with contextlib.suppress(OSError):
            ctypes.CDLL(library)
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read_into, args=(jobs,), daemon=True).start()
    while True:
        job = json.loads(jobs.get())
        answers.write(json.dumps({"id": job["id"], **_answer(job)}) + "\n")
        answers.flush()


def _read_into(jobs: queue.SimpleQueue[str]) -> None:
    """Put every line into the queue, and end the process after the last one, even where pyttsx3 hangs."""
    for line in os.fdopen(0, encoding="utf-8"):
        jobs.put(line)
    os._exit(0)


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    try:
        return _voices() if job["do"] == "voices" else _speak(job)
    except Exception as error:  # noqa: BLE001  told to the parent
        return {"error": f"{type(error).__name__}: {error}".strip()}


def _voices() -> dict[str, Any]:
    found = _engine().getProperty("voices") or []
    voices = [{"id": voice.id, "name": voice.name or voice.id, "languages": _languages(voice)} for voice in found]
    return {"voices": voices, "version": version("pyttsx3")}


def _languages(voice: Any) -> list[str]:
    raw = getattr(voice, "languages", None) or []
    return [language[1:].decode(errors="replace") if isinstance(language, bytes) else str(language) for language in raw]


def _speak(job: dict[str, Any]) -> dict[str, Any]:
    errors: list[str] = []
    engine = _engine()
    engine.connect("error", lambda name, exception: errors.append(f"{type(exception).__name__}: {exception}"))  # noqa: ARG005
    for name, value in (("voice", job["voice"]), ("rate", job["rate_wpm"])):
        engine.setProperty(name, value)
        if sys.platform == "linux":
            _let_espeak_take_it(engine)
    is_finished = threading.Event()
    engine.connect("finished-utterance", lambda name, completed: is_finished.set())  # noqa: ARG005
    engine.save_to_file(job["text"], job["path"])
    engine.runAndWait()
    if sys.platform == "linux":
        is_finished.wait()
    return {"error": errors[0]} if errors else {}


def _let_espeak_take_it(engine: Any) -> None:
    """Give a property to espeak-ng, and wait until its thread has taken it.

    One after the other at once, the rate is lost every hundredth time.
    """
    from pyttsx3.drivers import _espeak

    engine.proxy.setBusy(False)
    _espeak.Synchronize()


def _engine() -> Any:
    import pyttsx3

    pyttsx3._activeEngines.clear()  # noqa: SLF001  there is no other way to an engine without the jobs of before
    gc.collect()
    return pyttsx3.init()


if __name__ == "__main__":
    main()
