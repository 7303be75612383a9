"""Tests that play through a sound card without hardware."""
