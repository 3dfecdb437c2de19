"""A map keeps within the memory that it is given."""

import os
import subprocess
import sys

import pytest
import torch
from conftest import ROOT
from torch import nn

from hsi.engine.cost import activation_floats, peak_floats
from hsi.engine.volumes import LAID_OUT

KEPT = ROOT / "tests" / "runs" / "of_ee5a441"
MAP = """
import re, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
import hsi
from hsi.cube import LazyCube

kept, memory_gb, side = Path(sys.argv[1]), float(sys.argv[2]), 800
small = hsi.open(kept / "cube.npy")
tile = np.asarray(small.cube)

def read(rows, cols, bands):
    part = tile[np.arange(rows.start, rows.stop)[:, None] % 24, np.arange(cols.start, cols.stop) % 24]
    return np.ascontiguousarray(part if bands is None else part[:, :, bands])

cube = LazyCube((side, side, tile.shape[2]), tile.dtype, read)
scene = replace(small, cube=cube, labels=np.zeros((side, side), np.int64), valid=None)
found = hsi.predict(kept / "network", scene, memory_gb=memory_gb, device="cpu")
assert found.class_map.all()
# not ru_maxrss, which begins with what the process took that started this one
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024 / 1e9)
"""


def peak(memory_gb):
    """What a process that maps 800 x 800 pixels takes at the most, in 10^9 bytes."""
    command = [sys.executable, "-c", MAP, str(KEPT), str(memory_gb)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return float(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the peak there")
def test_a_process_takes_no_more_than_it_is_given():
    assert peak(0.8) < 0.8 * 3.5 / 3
    assert peak(8.0) > 1.0  # it would take more


@pytest.mark.parametrize("rows", [40, 400])
def test_convolutions_that_are_laid_out_as_columns_count_their_columns(rows):
    layers = nn.Sequential(nn.Unflatten(1, (2, 30)), nn.Conv3d(2, 4, (5, 3, 3)), nn.ReLU())
    values, outputs = 60 * rows * 50, 4 * 26 * (rows - 2) * 48
    plain = 2 * values + 2 * outputs
    assert activation_floats(layers, (60, rows, 50)) == plain
    columns = values + outputs + 2 * 5 * 3 * 3 * (outputs // 4)
    assert 2 * 30 * 40 <= LAID_OUT < 2 * 30 * 400
    assert peak_floats(layers, (60, rows, 50)) == (columns if rows == 40 else plain)
    assert columns > plain


@pytest.mark.parametrize("more", [0, 1])
def test_up_to_so_many_values_and_no_more_are_laid_out(more):
    layers, shape = nn.Sequential(nn.Unflatten(1, (2, 10)), nn.Conv3d(2, 4, 3)), (20, LAID_OUT // 20 + more, 3)
    assert (peak_floats(layers, shape) > activation_floats(layers, shape)) == (more == 0)


def test_torch_still_lays_out_the_same_convolutions_as_columns():
    """By the memory that it allocates: see `hsi.engine.volumes.LAID_OUT`."""
    convolution = nn.Conv3d(8, 4, 3)

    def allocated(rows):
        image = torch.randn(1, 8, 10, rows, 64)
        with torch.inference_mode(), torch.profiler.profile(profile_memory=True) as seen:
            output = convolution(image)
        largest = max(event.self_cpu_memory_usage for event in seen.key_averages())
        return largest / (4 * output.numel())

    assert allocated(LAID_OUT // 80) > 20  # 8 * 27 values a column, and 4 a position put out
    assert allocated(LAID_OUT // 80 + 1) < 20
