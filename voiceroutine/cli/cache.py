"""`voiceroutine cache`."""

from __future__ import annotations

import json

import click


@click.command("cache")
@click.option("--clear", is_flag=True, help="Remove all clips.")
@click.option("--json", "as_json", is_flag=True, help="Print it for programs.")
def command(clear: bool, as_json: bool) -> None:
    """Show how many spoken sentences are kept, and where; they are only made once.

    What was used the longest ago is removed when there are more than 512 MiB, or as many as the environment variable
    VOICEROUTINE_CACHE_MIB says; with 0 nothing is kept.
    """
    from voiceroutine.clipcache import default_cache

    cache = default_cache()
    usage = cache.clear() if clear else cache.usage()
    if as_json:
        data = {"folder": str(cache.folder), "clips": usage.clips, "bytes": usage.bytes}
        click.echo(json.dumps({**data, "limit_bytes": cache.limit_bytes, "cleared": clear}))
    elif clear:
        click.echo(f"Removed {_counted(usage.clips)}, {_size(usage.bytes)}, from {cache.folder}")
    else:
        click.echo(
            f"{_counted(usage.clips)}, {_size(usage.bytes)} of at most {_size(cache.limit_bytes)}: {cache.folder}"
        )


def _counted(clips: int) -> str:
    return f"{clips:,} clip" if clips == 1 else f"{clips:,} clips"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 20):,.1f} MiB"
