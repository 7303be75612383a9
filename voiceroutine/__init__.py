"""A calm voice guides you through a stretch routine, aloud or in an audio file."""

__version__ = "0.1.0"
