"""The page about sounds: each of them is there with its picture, which shows its wave and its spectrum."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from voiceroutine.breathtone import NAMES
from voiceroutine.model import BACKGROUNDS, CHIMES
from voiceroutine.routine import THEMES

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = (DOCS / "sounds.md").read_text(encoding="utf-8")
SOUNDS = (*CHIMES, *BACKGROUNDS, *NAMES)


def test_every_sound_has_a_picture_on_the_page_and_no_picture_is_of_something_else() -> None:
    assert {path.stem for path in (DOCS / "sounds").iterdir()} == set(SOUNDS)
    assert set(re.findall(r"\(sounds/([a-z-]+)\.png\)", PAGE)) == set(SOUNDS)
    assert all(f"`{name}`" in PAGE for name in SOUNDS)
    assert all(f"`{theme}`" in PAGE for theme in THEMES)


@pytest.mark.parametrize("name", SOUNDS)
def test_a_picture_is_small_and_shows_a_wave_and_a_spectrum(name: str) -> None:
    path = DOCS / "sounds" / f"{name}.png"
    assert path.stat().st_size < 6_000
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert pixels.shape == (96, 620, 3)
    is_blue, is_green = (
        pixels[:, :, rest].max(axis=2) + 40 < pixels[:, :, main] for main, rest in ((2, [0]), (1, [0, 2]))
    )
    assert is_blue[:, :300].any(axis=0).mean() > 0.9
    assert is_green[:, 320:].any(axis=0).sum() >= 8
    assert not is_green[:, :300].any()
