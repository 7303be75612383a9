"""Draw every bundled sound for the documentation: run as ``python scripts/make_sound_pictures.py [FOLDER]``.

On the left its wave, on the right its spectrum: from 40 Hz to 16 kHz, an octave as wide as any other, over 72 dB. The
tones of breaths are drawn as long as they are by default, 4 s in and 6 s out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile
from PIL import Image, ImageDraw

from voiceroutine.breathtone import NAMES, breath_tone

Samples: TypeAlias = npt.NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[1]
RATE_HZ = 48_000
BREATH_MS = {True: 4_000, False: 6_000}
WIDTH_PX, HEIGHT_PX, BETWEEN_PX = 300, 96, 20
FINER = 3
PAPER, GRID, WAVE, SPECTRUM = "#ffffff", "#d5d9dd", "#2f6690", "#3a7d44"
LOW_HZ, HIGH_HZ, RANGE_DB = 40.0, 16_000.0, 72.0
MARKED_HZ = (100.0, 1_000.0, 10_000.0)
COLORS = 12


def sounds() -> Iterator[tuple[str, Samples]]:
    """Yield every sound and its name."""
    for path in sorted([*(ROOT / "audio").glob("*.flac"), *(ROOT / "audio" / "beds").glob("*.flac")]):
        yield path.stem, soundfile.read(path)[0]
    for name, (_, is_in) in NAMES.items():
        yield name, breath_tone(name, BREATH_MS[is_in]).samples.astype(np.float64)


def spectrum_db(samples: Samples, columns: int) -> Samples:
    """Return the strongest level of each column's band, the loudest of them at 0 dB."""
    size = max(len(samples), 1 << 16)
    power = np.abs(np.fft.rfft(samples, size)) ** 2
    edges = np.geomspace(LOW_HZ, HIGH_HZ, columns + 1) * size / RATE_HZ
    bands = [power[int(low) : max(int(high), int(low) + 1)].max() for low, high in pairwise(edges)]
    levels: Samples = 10 * np.log10(np.array(bands) / max(bands) + 1e-12)
    return levels


def draw_wave(draw: ImageDraw.ImageDraw, samples: Samples, width: int, height: int) -> None:
    """Draw how far the wave reaches in each column."""
    draw.line([(0, height // 2), (width, height // 2)], fill=GRID, width=FINER)
    loudest = np.abs(samples).max()
    edges = np.linspace(0, len(samples) - 1, width + 1).astype(int)
    for column, (first, last) in enumerate(pairwise(edges)):
        part = samples[first : last + 1] / loudest
        top, bottom = ((1 - 0.96 * value) * height / 2 for value in (part.max(), part.min()))
        draw.line([(column, top), (column, max(bottom, top + FINER))], fill=WAVE, width=FINER)


def draw_spectrum(draw: ImageDraw.ImageDraw, samples: Samples, left: int, width: int, height: int) -> None:
    """Draw the level of each band as a bar from the bottom."""
    for column, level_db in enumerate(spectrum_db(samples, width // FINER)):
        place, top = left + column * FINER, min(1.0, -level_db / RANGE_DB) * height
        draw.rectangle([(place, max(top, FINER)), (place + FINER - 1, height)], fill=SPECTRUM)
    for hertz in MARKED_HZ:
        place = left + round(np.log(hertz / LOW_HZ) / np.log(HIGH_HZ / LOW_HZ) * width)
        draw.line([(place, 0), (place, height)], fill=GRID, width=FINER)


def picture(samples: Samples) -> Image.Image:
    """Return the picture of a sound."""
    width, height, between = WIDTH_PX * FINER, HEIGHT_PX * FINER, BETWEEN_PX * FINER
    large = Image.new("RGB", (2 * width + between, height), PAPER)
    draw = ImageDraw.Draw(large)
    draw_wave(draw, samples, width, height)
    draw_spectrum(draw, samples, width + between, width, height)
    small = large.resize((large.width // FINER, large.height // FINER), Image.Resampling.BOX)
    return small.quantize(COLORS, dither=Image.Dither.NONE)


def main() -> None:
    """Write the pictures into the folder named on the command line."""
    parser = argparse.ArgumentParser(description="Draw the bundled sounds.")
    folder = ROOT / "docs" / "sounds"
    parser.add_argument("folder", nargs="?", type=Path, default=folder, help="where to write (default: docs/sounds/)")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, samples in sounds():
        path = folder / f"{name}.png"
        picture(samples).save(path, optimize=True)
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
