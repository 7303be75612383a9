"""Where samples go: a file, memory, the machine's loudspeaker. One file a kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    from numpy.typing import NDArray

    # Anything with the buffer protocol will do; for type checkers, arrays have it only from Python 3.12 on.
    Block: TypeAlias = bytes | bytearray | memoryview | NDArray[np.float32]


class Sink(Protocol):
    """Something that takes samples in order.

    `finish` waits until everything written has arrived (on disk, or heard); `close` lets go at once and drops
    whatever has not arrived. Nothing is written after `finish`; `close` may follow it, and may be called twice.
    """

    def write(self, block: Block) -> None:
        """Take the next samples; the block may be changed once this has returned.

        Args:
            block: C-contiguous float32, interleaved by channel, -1..1.

        Raises:
            OSError: the file can't be written.
            DeviceError: the device is gone, or the sink is closed.
        """

    def finish(self) -> None:
        """Wait until everything written has arrived.

        Raises:
            OSError: the file can't be written.
            DeviceError: the device went away before the last sample had sounded.
        """

    def close(self) -> None:
        """Let go at once; never raises, never takes longer than some seconds."""


class LiveSink(Sink, Protocol):
    """A loudspeaker: `write` returns when there is room for the block, so it paces whoever writes.

    One thread writes, recalls and finishes; `heard_frames` and `close` may be called from any other meanwhile.

    Attributes:
        name: what it is.
        block_frames: how many frames are best written at once.
        underflows: how often sound broke off because too little was written in time, as far as it tells.
    """

    name: str
    block_frames: int
    underflows: int

    def room_s(self) -> float:
        """Return for how long there will be no room for a block, in seconds; 0 when `write` wouldn't wait.

        Raises:
            DeviceError: the device is gone, or has taken nothing for too long.
        """

    def recall(self, at_most_frames: int) -> int:
        """Take back what was written last and the device hasn't got yet; return how many frames that were."""

    def heard_frames(self) -> int:
        """Frames written since opening that have sounded, by the audio clock.

        Never falls, but when the device is lost: then to what it had played by then.
        """
