"""How well pixels of a class that was left out of the training are told apart: ``python -m studies.unknown --help``.

For each class of Indian Pines its labels are ignored, a network is trained on the others, and all pixels are mapped.
Those of the left-out class should be called unknown, the test pixels of the others should not. Their spectra take part
in the reduction, as those of all unlabelled pixels do, and they lie in windows of the training: as for any material
that nobody has labelled.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score

import hsi
from hsi import files
from hsi.errors import HsiError
from hsi.mapping.scene_map import symmetric_logits
from hsi.mapping.unknown import KINDS, cut_off, evidence
from hsi.splits.roles import TEST

HERE = Path(__file__).parent
FALSE_ALARM = 0.05
SPLIT = {"train": 0.1, "validation": 0.05}


def left_out(value: int, seed: int, *, model: str, steps: int, window: int, **scene: Any) -> Iterator[dict[str, Any]]:
    """Train without the class of a label value; a row for each kind of evidence.

    `scene` are settings of `hsi.load`, beside the name of the scene.

    Yields
    ------
    label, name, pixels
        The class that was left out.
    seed, model, steps, window, oa
        How the others were trained, and the overall accuracy on their test pixels.
    evidence, false_alarm_wanted
        The kind of evidence, and the rate that the threshold was chosen for on the validation pixels.
    false_alarm, called_unknown
        Shares of the test pixels of the others, and of the pixels left out, that are called unknown.
    auroc
        Of the evidence: how often it is higher for a test pixel than for one that was left out.
    """
    truth = hsi.load(**scene)
    known = hsi.load(**scene, ignored_labels=[value])
    split = known.split("random", seed=seed, **SPLIT)
    run = hsi.fit(known, split, model, steps=steps, patch_size=window, seed=seed)
    trained = run.trained
    views = list(symmetric_logits(trained.network, run.image, trained.engine, trained.settings))
    number = truth.label_values.index(value) + 1
    outside, test = (truth.labels == number).ravel(), (split.role == TEST).ravel()
    for kind in KINDS:
        found = torch.stack([evidence(logits, kind) for logits in views]).mean(0).numpy()
        unknown = found < cut_off(trained.unknown, kind, FALSE_ALARM)
        yield {
            "label": value,
            "name": truth.class_names[number - 1],
            "pixels": int(outside.sum()),
            "seed": seed,
            "model": model,
            "steps": steps,
            "window": window,
            "oa": float(run.scores["oa"]),
            "evidence": kind,
            "false_alarm_wanted": FALSE_ALARM,
            "false_alarm": float(unknown[test].mean()),
            "called_unknown": float(unknown[outside].mean()),
            "auroc": float(roc_auc_score(np.repeat([1, 0], [test.sum(), outside.sum()]), _join(found, test, outside))),
        }


def _join(values: np.ndarray, *chosen: np.ndarray) -> np.ndarray:
    return np.concatenate([values[part] for part in chosen])


def summary(rows: pd.DataFrame) -> str:
    """Percent by class and kind of evidence, means over the seeds, as a table in Markdown."""
    shares = ["called_unknown", "false_alarm", "auroc"]
    means = (100 * rows.groupby(["label", "name", "pixels", "evidence"])[shares].mean()).reset_index()
    both = 100 * rows.groupby("evidence")[shares].mean()
    last = [{"label": "", "name": "mean", "pixels": "", "evidence": kind, **both.loc[kind]} for kind in both.index]
    return pd.concat([means, pd.DataFrame(last)]).to_markdown(index=False, floatfmt=".1f")


def main(words: list[str] | None = None) -> None:
    """Train, and write a row for each class, seed and kind of evidence; what is in the table already is kept."""
    parser = argparse.ArgumentParser(prog="python -m studies.unknown", description=__doc__)
    parser.add_argument("--classes", type=int, nargs="+", metavar="VALUE", help="label values; default: all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="N", help="default: 0 1 2")
    parser.add_argument("--scene", default="indian_pines", metavar="NAME", help="default: indian_pines")
    parser.add_argument("--model", default="hybridsn", metavar="NAME", help="default: hybridsn")
    parser.add_argument("--steps", type=int, default=100, metavar="N", help="of the training; default: 100")
    parser.add_argument("--window", type=int, default=11, metavar="N", help="in pixels; default: 11")
    parser.add_argument("--table", type=Path, default=HERE / "unknown.csv", metavar="FILE", help="default: unknown.csv")
    chosen = parser.parse_args(words)
    how = {"model": chosen.model, "steps": chosen.steps, "window": chosen.window}
    try:
        rows = files.read_table(chosen.table) if chosen.table.exists() else pd.DataFrame()
        for value in chosen.classes or hsi.load(chosen.scene).label_values:
            for seed in chosen.seeds:
                wanted = {"label": value, "seed": seed, **how}
                if len(rows) and (rows[[*wanted]] == pd.Series(wanted)).all(axis=1).any():
                    continue
                rows = pd.concat([rows, pd.DataFrame(left_out(value, seed, name=chosen.scene, **how))])
                files.write(chosen.table, rows.to_csv(index=False))
        print(summary(rows))
    except HsiError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
