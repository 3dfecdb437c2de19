"""Damaged files for every reader: a few hundred in `make test`, as many as asked for by `python -m tests.fuzz`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # where the makers of small files lie, whoever imports this
