"""What holds for every test."""

import os

from hypothesis import HealthCheck, settings

# Tests share the machine with each other and with the gateways that they start: the
# numbers library would spin on every core in each of them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A law says what is so, never how fast: machines are busy, examples many.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
if settings.get_current_profile_name() != "ci":
    settings.load_profile("patient")
