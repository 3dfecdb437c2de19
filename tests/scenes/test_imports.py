"""What a scene needs is loaded when it needs it."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["hsi.scenes.published", "hsi.scenes.custom", "hsi.splits.from_file"])
def test_reading_loads_neither_network_nor_torch(module):
    question = f"import sys, {module}; print(sorted({{'pooch', 'requests', 'torch'}} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"
