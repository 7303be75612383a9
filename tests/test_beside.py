"""Files that are never half there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from voiceroutine.beside import written_beside


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


def test_what_was_written_gets_the_name_and_nothing_else_stays(folder: Path) -> None:
    file = folder / "a.txt"
    file.write_text("old")
    with written_beside(file) as part:
        part.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert list(folder.iterdir()) == [file]


def test_what_went_wrong_leaves_the_older_file(folder: Path) -> None:
    file = folder / "a.txt"
    file.write_text("old")
    with pytest.raises(RuntimeError), written_beside(file):
        raise RuntimeError
    assert file.read_text() == "old"
    assert list(folder.iterdir()) == [file]


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes with names like files")
def test_a_pipe_or_a_device_is_never_replaced_not_even_through_a_link(folder: Path) -> None:
    pipe, link = folder / "pipe", folder / "link.wav"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for name in (pipe, link):
        with pytest.raises(OSError, match="a device or a pipe has this name"), written_beside(name):
            pass
    assert pipe.is_fifo()
    assert sorted(folder.iterdir()) == [link, pipe]
