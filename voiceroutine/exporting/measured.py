"""How loud a file is, in the numbers of a meter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """What a meter tells.

    Attributes:
        lufs: integrated loudness; None where everything is softer than -70 LUFS.
        true_peak_db: dBTP; None of digital silence.
    """

    lufs: float | None
    true_peak_db: float | None

    def text(self) -> str:
        """Return "-19.1 LUFS, -2.8 dBTP", or what there is of it."""
        lufs = [] if self.lufs is None else [f"{self.lufs:.1f} LUFS"]
        peak = [] if self.true_peak_db is None else [f"{self.true_peak_db:.1f} dBTP"]
        return ", ".join([*lufs, *peak])
