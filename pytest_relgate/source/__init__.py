"""Facts of a source tree: git, versions, the target and the base of a release."""
