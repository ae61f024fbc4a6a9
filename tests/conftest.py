from __future__ import annotations

import hypothesis

pytest_plugins = ["pytester"]

# How long an example takes says more of the machine than of what is tested.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")
