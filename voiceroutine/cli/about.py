"""`voiceroutine about`."""

from __future__ import annotations

import click

from voiceroutine import __version__

TEXT = f"""\
voiceroutine {__version__}
A calm voice guides you through a stretch routine, aloud or in an audio file.

License
  GPL-3.0-or-later. The embedded voice is espeak-ng (GPL-3.0-or-later).
  The chimes are made by a script of this project and have the same license.

Safety
  This is not medical advice. Move slowly, stay with a mild stretch, and keep breathing.
  Stop at once if it hurts or if you feel dizzy.

See a professional first
  after a recent injury; with dizziness, double vision, trouble speaking or swallowing, or sudden falls;
  with numbness or weakness in an arm or hand, clumsy hands, or an unsteady gait;
  with fever and a stiff neck; with electric shocks when you bend your neck;
  with a change of bladder or bowel; or with weight loss that you can't explain.
"""


@click.command("about")
def command() -> None:
    """Print version, licenses, and when to see a professional."""
    click.echo(TEXT, nl=False)
