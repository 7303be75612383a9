"""Tags as ID3v2.3, for MP3 files and the `id3 ` chunk of WAV files."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from voiceroutine.sinks.languages import iso_639_2

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voiceroutine.sinks.tags import Tags

MOST_CHILDREN = 255

_VERSION = 3
_HEADER_BYTES = 10
_LATIN_1, _UTF_16 = 0, 1
_FRONT_COVER = 3
_ORDERED, _TOP_LEVEL = 1, 2
_NO_OFFSET = 0xFFFFFFFF


def id3_bytes(tags: Tags, *, has_chapters: bool) -> bytes:
    """Return a whole ID3v2.3 tag; without padding, so that it is the same every time.

    Args:
        tags: what it says.
        has_chapters: whether chapters are written as CHAP and CTOC frames.
    """
    frames = (*_texts(tags), *_others(tags), *(_chapters(tags) if has_chapters else ()))
    content = b"".join(map(_frame_bytes, frames))
    return b"ID3" + bytes((_VERSION, 0, 0)) + _seven_bits_each(len(content)) + content


def _frame_bytes(frame: Any) -> bytes:
    """Return one frame as it is in a tag; a tag of many would be sorted, and chapters are shown in their order."""
    from mutagen.id3 import ID3

    tag = ID3()
    tag.add(frame)
    out = BytesIO()
    tag.save(out, v2_version=_VERSION, padding=lambda _: 0)
    return out.getvalue()[_HEADER_BYTES:]


def _seven_bits_each(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _texts(tags: Tags) -> Iterator[Any]:
    from mutagen.id3 import TALB, TIT2, TLAN, TPE1, TRCK, TSSE

    for kind, text in (
        (TIT2, tags.title),
        (TPE1, tags.artist),
        (TALB, tags.album),
        (TRCK, f"{tags.track}/{tags.tracks}"),
        (TLAN, iso_639_2(tags.language)),
        (TSSE, tags.encoder),
    ):
        if text:
            yield kind(encoding=_encoding(text), text=[text])


def _others(tags: Tags) -> Iterator[Any]:
    from mutagen.id3 import APIC, COMM, USLT

    language = iso_639_2(tags.language)
    if tags.comment:
        yield COMM(encoding=_encoding(tags.comment), lang=language, desc="", text=[tags.comment])
    if tags.lyrics:
        yield USLT(encoding=_encoding(tags.lyrics), lang=language, desc="", text=tags.lyrics)
    if tags.cover_png:
        yield APIC(encoding=_LATIN_1, mime="image/png", type=_FRONT_COVER, desc="", data=tags.cover_png)


def _chapters(tags: Tags) -> Iterator[Any]:
    """Yield a CHAP frame a chapter, and the tables of contents that list them, nested as the blocks are."""
    from mutagen.id3 import CHAP

    ids = {}
    for number, chapter in enumerate(tags.chapters):
        ids[number] = f"c{number}"
        yield CHAP(
            element_id=ids[number],
            start_time=chapter.start_ms,
            end_time=chapter.end_ms,
            start_offset=_NO_OFFSET,
            end_offset=_NO_OFFSET,
            sub_frames=[_title(chapter.title)],
        )
    if ids:
        yield from _contents("toc", _ORDERED | _TOP_LEVEL, "", _Tree(tags).top())


class _Tree:
    """Chapters and blocks as element ids and, for blocks, what is in them; an outer block comes before an inner one."""

    def __init__(self, tags: Tags) -> None:
        self._chapters = tags.chapters
        self._blocks = tags.blocks

    def top(self) -> list[_Node]:
        return self._inside(0, len(self._chapters), 0)

    def _inside(self, low: int, high: int, level: int) -> list[_Node]:
        """Return what lies at a level in a range of chapters."""
        blocks = {block.start_ms: (number, block) for number, block in enumerate(self._blocks) if block.level == level}
        nodes = []
        while low < high:
            chapter = self._chapters[low]
            if chapter.level > level and chapter.start_ms in blocks:
                number, block = blocks[chapter.start_ms]
                end = next((at for at in range(low, high) if self._chapters[at].start_ms >= block.end_ms), high)
                nodes.append(_Node(f"b{number}", block.title, self._inside(low, end, level + 1)))
                low = end
            else:
                nodes.append(_Node(f"c{low}", chapter.title))
                low += 1
        return nodes


class _Node:
    def __init__(self, element_id: str, title: str, children: Sequence[_Node] = ()) -> None:
        self.element_id = element_id
        self.title = title
        self.children = children


def _contents(element_id: str, flags: int, title: str, children: Sequence[_Node]) -> Iterator[Any]:
    """Yield a table of contents and those below it; one holds no more than 255 entries, so longer ones are divided."""
    from mutagen.id3 import CTOC

    while len(children) > MOST_CHILDREN:
        children = [
            _Node(f"{element_id}.{len(children)}.{at}", children[at].title, children[at : at + MOST_CHILDREN])
            for at in range(0, len(children), MOST_CHILDREN)
        ]
    ids = [child.element_id for child in children]
    yield CTOC(element_id=element_id, flags=flags, child_element_ids=ids, sub_frames=[_title(title)] if title else [])
    for child in children:
        if child.children:
            yield from _contents(child.element_id, _ORDERED, child.title, child.children)


def _title(title: str) -> Any:
    from mutagen.id3 import TIT2

    return TIT2(encoding=_encoding(title), text=[title])


def _encoding(text: str) -> int:
    return _LATIN_1 if text.isascii() else _UTF_16
