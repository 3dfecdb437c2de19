"""Memory of freed tensors is kept."""

import subprocess
import sys

import pytest

COUNT_FAULTS = """
import resource, sys, torch
from hsi.cli.memory import keep_freed_memory
if sys.argv[1] == "keep" and not keep_freed_memory():
    sys.exit("no glibc")
for _ in range(20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(20_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="page faults are counted as Linux does")
def test_the_kernel_need_not_clear_pages_for_every_tensor():
    count = [sys.executable, "-c", COUNT_FAULTS]
    found = [subprocess.run([*count, how], capture_output=True, text=True) for how in ("", "keep")]
    if "no glibc" in found[1].stderr:
        pytest.skip("the C library is not glibc")
    anew, kept = (int(process.stdout) for process in found)
    assert kept < anew / 4
