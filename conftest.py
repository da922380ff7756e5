"""The tests drive pytest itself."""

pytest_plugins = ["pytester"]
