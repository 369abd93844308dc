"""What holds for every test."""

from hypothesis import HealthCheck, settings

# A law says what is so, never how fast: machines are busy, examples many.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
if settings.get_current_profile_name() != "ci":
    settings.load_profile("patient")
