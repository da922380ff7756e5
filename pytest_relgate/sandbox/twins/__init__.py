"""Loopback twins of GitHub, crates.io, npm and PyPI: each answers as the real service does."""
