"""Hypothesis without clocks or dice: the same examples every time, however slow the machine.

``HYPOTHESIS_PROFILE=explore`` looks for new ones.
"""

import os

from hypothesis import settings

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
