"""The record of a run on disk: folder, journal, seal, verification, and its reports."""
