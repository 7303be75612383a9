"""Files play in a browser: Chromium without a window (Debian: chromium-headless-shell), on a page of this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Ended

    Command = Callable[..., Ended]

SUFFIXES = ("wav", "flac", "mp3", "ogg", "opus", "m4a", "m4b")
BROWSER = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required",
    "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
)  # fmt: skip

THIRTY_SECONDS = """
title = "Thirty seconds"
cues = { safety = false }
[[steps]]
name = "Hold"
hold = "20s"
"""

PAGE = """<!doctype html><title>playing</title><script>
const told = what => fetch("/told", {method: "POST", body: JSON.stringify(what)});
async function play(name) {
  const audio = new Audio(name);
  const failed = new Promise(done => audio.onerror = () => done({name, error: audio.error.message || "?"}));
  const late = new Promise(done => setTimeout(() => done({name, error: "late", at: audio.currentTime}), 30000));
  const played = new Promise(done => audio.ontimeupdate = () => {
    if (audio.currentTime > 0.5) done({name, at: audio.currentTime, duration: audio.duration});
  });
  audio.play().catch(() => {});
  const found = await Promise.race([failed, late, played]);
  audio.pause();
  if (found.error) return found;
  const sought = new Promise(done => audio.onseeked = () => done(audio.currentTime));
  audio.currentTime = 20;
  return {...found, sought: await Promise.race([sought, late])};
}
(async () => { for (const name of NAMES) await told(await play(name)); await told({done: true}); })();
</script>"""


class _Pages(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: Any, told: Queue[dict[str, Any]], **more: Any) -> None:
        self.told = told
        super().__init__(*arguments, **more)

    def do_GET(self) -> None:
        """Give the part of a file that is asked for, as servers do; else a browser can't look at its end."""
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        file = Path(self.translate_path(self.path))
        if not asked or not file.is_file():
            super().do_GET()
            return
        content = file.read_bytes()
        start, end = int(asked[1]), min(int(asked[2] or len(content) - 1), len(content) - 1)
        self.send_response(206)
        self.send_header("Content-Type", self.guess_type(file))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Range", f"bytes {start}-{end}/{len(content)}")
        self.send_header("Content-Length", str(end + 1 - start))
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(content[start : end + 1])

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.told.put(json.loads(self.rfile.read(length)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def folder(tmp_path: Path, command: Command) -> Path:
    (tmp_path / "thirty.toml").write_text(THIRTY_SECONDS)
    ended = command("export", str(tmp_path / "thirty.toml"), "-f", ",".join(SUFFIXES), "--to", str(tmp_path))
    assert (ended.status, ended.err) == (0, "")
    names = json.dumps([f"thirty.{suffix}" for suffix in SUFFIXES])
    (tmp_path / "index.html").write_text(PAGE.replace("NAMES", names))
    return tmp_path


@pytest.fixture
def told(folder: Path, tmp_path: Path) -> Iterator[Queue[dict[str, Any]]]:
    """Let a browser open the page, and give what the page tells."""
    assert BROWSER is not None
    queue: Queue[dict[str, Any]] = Queue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Pages, told=queue, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    browser = subprocess.Popen(
        [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--remote-debugging-port=0", address],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield queue
    finally:
        # Debian starts it by a script, which would end alone.
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait(20)
        server.shutdown()
        server.server_close()


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None and not os.environ.get("CI"), reason="needs Chromium")
def test_every_format_plays_in_a_browser(told: Queue[dict[str, Any]], folder: Path, command: Command) -> None:
    shown = json.loads(command("show", str(folder / "thirty.toml"), "--json").out)
    heard = {}
    while "done" not in (one := told.get(timeout=60)):
        heard[one["name"].removeprefix("thirty.")] = one
    assert {suffix: one["error"] for suffix, one in heard.items() if "error" in one} == {}
    assert heard.keys() == set(SUFFIXES)
    for suffix, one in heard.items():
        assert one["at"] > 0.5, suffix
        assert one["sought"] == pytest.approx(20, abs=0.1), suffix
        # What a browser takes for the length may count whole frames of a codec.
        assert one["duration"] == pytest.approx(shown["duration_ms"] / 1000, abs=0.07), suffix
    assert 28 < shown["duration_ms"] / 1000 < 40
