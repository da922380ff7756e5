"""A release world in a box: a miniature project to release, offline and on one machine."""
