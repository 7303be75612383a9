"""Samples kept in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voiceroutine.errors import DeviceError
from voiceroutine.sinks.live import CHANNELS, FRAME_BYTES, samples_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from voiceroutine.sinks import Block


class MemorySink:
    """A live sink that hears everything at once and keeps it.

    Attributes:
        finished: `finish` was called.
        closed: `close` was called.
    """

    name = "memory"
    block_frames = 4096
    underflows = 0

    def __init__(self, *, fail_after_frames: int | None = None) -> None:
        """Make a sink; one that fails keeps that many frames, then behaves as a device that went away."""
        self.finished = False
        self.closed = False
        self._fail_after_frames = fail_after_frames
        self._kept = bytearray()

    def write(self, block: Block) -> None:
        """Keep the samples."""
        if self.closed:
            raise DeviceError("The sound output is closed.")
        samples = samples_of(block)
        if self._fail_after_frames is None:
            self._kept += samples
            return
        self._kept += samples[: self._fail_after_frames * FRAME_BYTES - len(self._kept)]
        if self.heard_frames() >= self._fail_after_frames:
            raise DeviceError("The sound device went away.")

    def finish(self) -> None:
        """Note that nothing more will come."""
        self.finished = True

    def close(self) -> None:
        """Take no more; what was kept stays."""
        self.closed = True

    def room_s(self) -> float:
        """Return 0: there is always room."""
        return 0.0

    def recall(self, at_most_frames: int) -> int:  # noqa: ARG002
        """Return 0: everything is heard at once."""
        return 0

    def heard_frames(self) -> int:
        """Return how many frames were written."""
        return len(self._kept) // FRAME_BYTES

    def data(self) -> bytes:
        """Return the samples as interleaved float32."""
        return bytes(self._kept)

    def samples(self) -> NDArray[np.float32]:
        """Return the samples as an array of frames by channels."""
        import numpy as np

        return np.frombuffer(self.data(), np.float32).reshape(-1, CHANNELS)
