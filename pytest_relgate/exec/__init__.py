"""Processes, their logs, and what must not be read in them."""
