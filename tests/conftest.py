"""Profiles of the property tests, which tell how long the tests may take: see `tests.effort`."""

from __future__ import annotations

from hypothesis import settings

from tests.effort import LONG, LONGER

settings.register_profile(LONG, max_examples=100 * LONGER, deadline=None)
