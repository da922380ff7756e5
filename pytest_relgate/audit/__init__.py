"""A release that is out, judged from outside: read-only, without profile, secrets or conftest (B13)."""
