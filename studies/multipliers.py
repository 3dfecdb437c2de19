"""MobileNet's multipliers of width and resolution, accuracy against cost: ``python -m studies.multipliers --help``.

Howard et al. 2017, sections 3.3 and 3.4: alpha multiplies the channels of every layer (``model.width``), rho the side
of the image, which for a pixel classifier is the window (``patch_size``). Multiply-adds fall with the square of either;
with rho here only in the head, since the trunk runs once over the scene. Every combination is trained alike and scored
on the test pixels, so the table describes and does not choose.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd

import hsi
from hsi import files
from hsi.api.scenes import Scene
from hsi.engine.cost import cost
from hsi.errors import HsiError

HERE = Path(__file__).parent
ALPHAS, WINDOWS, SEEDS = (0.25, 0.5, 0.75, 1.0), (9, 15, 21), (0, 1, 2)
TRAIN = 0.1  # of the labelled pixels


def measured(scene: Scene, alpha: float, window: int, seed: int, steps: int) -> dict[str, Any]:
    """Train once; returns the row.

    Columns: `alpha`, `window`, `seed`, `steps`; `oa` and `aa`, fractions of the test pixels; `parameters`; `shared` and
    `whole`, multiply-adds a pixel with the trunk shared and window by window.

    Raises HsiError as `hsi.fit` does.
    """
    split = scene.split("random", train=TRAIN, seed=seed)
    run = hsi.fit(scene, split, "mobilenet_v1", f"model.width={alpha}", patch_size=window, steps=steps, seed=seed)
    spent = cost(run.trained.network, *scene.labels.shape)
    assert spent is not None  # it has weights
    row = {"alpha": alpha, "window": window, "seed": seed, "steps": steps}
    row |= {"oa": float(run.scores["oa"]), "aa": float(run.scores["aa"])}
    return row | {"parameters": spent.parameters, "shared": spent.shared, "whole": spent.whole}


def summary(rows: pd.DataFrame) -> str:
    """A line for each alpha and window, the cheapest first: percent over the seeds, and million multiply-adds."""
    found = rows.groupby(["alpha", "window", "steps"]).agg(
        seeds=("seed", "size"),
        oa=("oa", "mean"),
        sd=("oa", "std"),
        aa=("aa", "mean"),
        parameters=("parameters", "first"),
        shared=("shared", "first"),
        whole=("whole", "first"),
    )
    found[["oa", "sd", "aa"]] *= 100
    found[["shared", "whole"]] /= 1e6
    digits = ("", ".0f", ".0f", ".0f", ".2f", ".2f", ".2f", ",.0f", ".2f", ".2f")
    return found.sort_values("shared").reset_index().to_markdown(index=False, floatfmt=digits)


def main(words: list[str] | None = None) -> None:
    """Train and write a row for each combination; what is in the table already is kept."""
    parser = argparse.ArgumentParser(prog="python -m studies.multipliers", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--alphas", type=float, nargs="+", default=ALPHAS, metavar="X", help="default: 0.25 0.5 0.75 1")
    parser.add_argument("--windows", type=int, nargs="+", default=WINDOWS, metavar="N", help="default: 9 15 21")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, metavar="N", help="default: 0 1 2")
    parser.add_argument("--steps", type=int, default=200, metavar="N", help="of the training; default: 200")
    parser.add_argument("--scene", default="indian_pines", metavar="NAME", help="default: indian_pines")
    parser.add_argument("--file", type=Path, default=HERE / "multipliers.csv", help="default: studies/multipliers.csv")
    chosen = parser.parse_args(words)
    try:
        rows = files.read_table(chosen.file) if chosen.file.exists() else pd.DataFrame()
        scene = hsi.load(chosen.scene)
        for seed in chosen.seeds:  # one seed of all combinations first, so that an early end has compared them all
            for alpha, window in ((alpha, window) for alpha in chosen.alphas for window in chosen.windows):
                wanted = {"alpha": alpha, "window": window, "seed": seed, "steps": chosen.steps}
                if len(rows) and (rows[[*wanted]] == pd.Series(wanted)).all(axis=1).any():
                    continue
                rows = pd.concat([rows, pd.DataFrame([measured(scene, **wanted)])], ignore_index=True)
                files.write(chosen.file, rows.to_csv(index=False))
        print(summary(rows))
    except HsiError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
