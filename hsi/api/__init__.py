"""The pipeline from Python, a step at a time; what it saves is what the commands save.

>>> import hsi
>>> scene = hsi.load("indian_pines")
>>> split = scene.split("regions", train=0.5, seed=0)
>>> split.audit(window=25)
>>> run = hsi.fit(scene, split, model="hybridsn", attention="se", steps=100, seed=0)
>>> run.scores
>>> run.save("outputs/mine")
>>> hsi.predict("outputs/mine", "next.hdr")

Whatever the command line takes is taken here: groups and keys by name (``train="few_labels"``, ``patch_size=11``), any
other key as a word (``"optimizer.lr=1e-3"``). The package gives these names lazily, see `hsi.__getattr__`.
"""

from hsi.api.fitting import fit
from hsi.api.runs import Plots, Run, open_run, predict
from hsi.api.scene_map import SceneMap
from hsi.api.scenes import Audit, Scene, Split, from_arrays, load, open
from hsi.api.sweeps import Sweep, SweepPlots, open_sweep

__all__ = [
    "Audit",
    "Plots",
    "Run",
    "Scene",
    "SceneMap",
    "Split",
    "Sweep",
    "SweepPlots",
    "fit",
    "from_arrays",
    "load",
    "open",
    "open_run",
    "open_sweep",
    "predict",
]
