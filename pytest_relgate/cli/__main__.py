"""``python -m pytest_relgate.cli``: the same as ``relgate``."""

import sys

from pytest_relgate.cli.main import main

sys.exit(main())
