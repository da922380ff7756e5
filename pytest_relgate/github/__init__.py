"""GitHub's REST API, as far as a release needs it."""
