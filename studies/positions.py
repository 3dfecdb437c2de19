"""What position alone gives under the splits of runs that did not keep it: made again from scene, split and seed."""

from dataclasses import replace
from typing import Any

import hsi
from hsi.config.build import TARGET
from hsi.config.moved import today
from hsi.errors import HsiError
from hsi.evaluation.blocks import skill
from hsi.evaluation.position import by_position
from hsi.recipes import split_of
from hsi.scene import Scene, scene_hash
from studies.table import Table


def complete(table: Table) -> Table:
    """The table with ``position`` in every run: without the interval of the skill, for which the map is needed.

    Raises HsiError where the scene is another one, or a split comes out other than it was.
    """
    missing = [record for record in table.values() if "position" not in record.metrics]
    known: dict[str, dict[str, Any]] = {}
    scenes: dict[str, Scene] = {}
    completed = dict(table)
    for record in missing:
        metrics, name = record.metrics, record.metrics["scene"]
        scene = scenes.setdefault(name, scenes.get(name) or hsi.load(name))
        if scene_hash(scene) != metrics["scene_hash"]:
            raise HsiError(f"run {record.run} is of another scene than {name} here: name the folder of its files")
        if metrics["split_hash"] not in known:
            known[metrics["split_hash"]] = _position(scene, record.run, metrics)
        found = known[metrics["split_hash"]]
        added = found | {"skill": skill(metrics["oa"], found["oa"])}
        completed[record.run] = replace(record, metrics=metrics | {"position": added})
    return completed


def _position(scene: Scene, run: str, metrics: dict[str, Any]) -> dict[str, Any]:
    description = metrics["config"]["split"]
    split = split_of(scene, description | {TARGET: today(description[TARGET])})
    if split.hash != metrics["split_hash"]:
        raise HsiError(f"the split of run {run} comes out otherwise in this version: repeat the run")
    return by_position(split, scene.labels, scene.class_names)
