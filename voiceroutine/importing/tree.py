"""YAML text as plain values, with the line and column of every key; safe to read whoever wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from voiceroutine.document import DEEPEST_PATH, path_text, shown
from voiceroutine.errors import Location, Problem, RoutineError, VoiceroutineError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import yaml

    from voiceroutine.document import KeyPath

    Places = dict[KeyPath, tuple[int, int]]

MOST_VALUES = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A YAML file as plain values: texts, truths, lists, tables; and the line and column of each.

    `anchored` are the keys at the top whose values are there to be referred to.
    """

    file: str
    value: Any
    places: Places
    anchored: frozenset[str] = frozenset()

    def location(self, path: KeyPath) -> Location:
        """Return where a key or element stands, or else the nearest one around it."""
        known = next((path[:n] for n in range(len(path), -1, -1) if path[:n] in self.places), ())
        line, column = self.places.get(known, (0, 0))
        return Location(file=self.file, line=line, column=column, path=path_text(path))


def read_tree(data: bytes, file: str) -> Tree:
    """Read a YAML file.

    Raises:
        RoutineError: it isn't text, isn't YAML, is nested too deep, or refers to itself too often.
        VoiceroutineError: the package that reads YAML isn't installed.
    """
    try:
        import yaml
    except ImportError:
        message = "Reading YAML needs a package that isn't installed; add it with: pip install 'voiceroutine[import]'"
        raise VoiceroutineError(message) from None
    try:
        return _read(data, file, yaml)
    except UnicodeDecodeError:
        raise _unreadable(file, "is not a text file", "a workout is YAML, written in UTF-8") from None
    except yaml.YAMLError as error:
        if "nesting depth" in _said(error):
            raise _too_deep(file) from None
        raise _unreadable(file, *_syntax(error), mark=getattr(error, "problem_mark", None)) from None
    except RecursionError:
        raise _too_deep(file) from None


def _read(data: bytes, file: str, yaml: Any) -> Tree:
    text = data.decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
    too_large = _unreadable(
        file, f"has more than {MOST_VALUES:,} values, those it refers to included", "is it a workout?"
    )
    anchored = _anchored_keys(islice(yaml.parse(text, Loader=_loader(yaml)), 2 * MOST_VALUES), yaml)
    if anchored is None:
        raise too_large
    node = yaml.compose(text, Loader=_loader(yaml))
    if node is None:
        raise _unreadable(file, "there is nothing in it", "a workout has a list of exercises")
    if _size(node, {}, yaml) > MOST_VALUES:
        raise too_large
    builder = _Builder(yaml)
    return Tree(file=file, value=builder.value(node, ()), places=builder.places, anchored=anchored)


def _unreadable(file: str, message: str, hint: str, *, mark: yaml.Mark | None = None) -> RoutineError:
    where = Location(file=file, line=mark.line + 1, column=mark.column + 1) if mark else Location(file=file)
    return RoutineError([Problem(where=where, message=shown(message), hint=shown(hint))])


def _too_deep(file: str) -> RoutineError:
    return _unreadable(file, "is nested too deep", "a workout has lists of exercises, nothing deeper")


def _loader(yaml: Any) -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _syntax(error: yaml.YAMLError) -> tuple[str, str]:
    hint = "texts with a colon or quotes stand in quotes; what belongs together is indented alike, with spaces"
    return f"not valid YAML: {_said(error).removeprefix('but ')}", hint


def _said(error: yaml.YAMLError) -> str:
    said = getattr(error, "problem", None) or getattr(error, "reason", None)
    return str(said or "it can't be read")


def _anchored_keys(events: Iterable[Any], yaml: Any) -> frozenset[str] | None:
    """Return the top-level keys whose values are there to be referred to; None if the events break off.

    Raises:
        RecursionError: the text is nested too deep.
    """
    depth, key, event = 0, None, None
    found: set[str] = set()
    for event in events:
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            found |= {key} if depth == 1 and key is not None and event.anchor else set()
            depth += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        key = event.value if depth == 1 and isinstance(event, yaml.ScalarEvent) else None
        if depth > DEEPEST_PATH:
            raise RecursionError
    return frozenset(found) if isinstance(event, yaml.StreamEndEvent) else None


def _size(node: yaml.Node, sizes: dict[int, int], yaml: Any) -> int:
    """Return how many values a node has when what it refers to is written out; too many when it contains itself."""
    if id(node) in sizes:
        return sizes[id(node)]
    sizes[id(node)] = MOST_VALUES + 1
    parts = node.value if isinstance(node, yaml.SequenceNode) else ()
    if isinstance(node, yaml.MappingNode):
        parts = [part for pair in node.value for part in pair]
    size = 1 + sum(_size(part, sizes, yaml) for part in parts)
    sizes[id(node)] = size
    return size


class _Builder:
    """Makes plain values of nodes; numbers and dates stay the texts that they are written as."""

    def __init__(self, yaml: Any) -> None:
        self._yaml = yaml
        self.places: Places = {}

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self.places.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
        if isinstance(node, self._yaml.SequenceNode):
            return [self.value(part, (*path, index)) for index, part in enumerate(node.value)]
        if isinstance(node, self._yaml.MappingNode):
            return self._table(node, path)
        kind = node.tag.rpartition(":")[2]
        if kind == "bool":
            return node.value.lower() in {"yes", "true", "on"}
        return None if kind == "null" else str(node.value)

    def _table(self, node: yaml.Node, path: KeyPath) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, part in node.value:
            if key.tag.endswith(":merge"):
                for source in reversed(part.value if isinstance(part, self._yaml.SequenceNode) else [part]):
                    found = self.value(source, path)
                    merged |= found if isinstance(found, dict) else {}
            elif isinstance(key, self._yaml.ScalarNode):
                self.places[*path, key.value] = (key.start_mark.line + 1, key.start_mark.column + 1)
                own[key.value] = self.value(part, (*path, key.value))
        return {**merged, **own}
