"""The leak audit of a split without training: ``python -m hsi.audit [split=...] [patch_size=...] [windows=...]``."""

if __name__ == "__main__":  # the first line appears before the libraries load
    from hsi.cli.start import announce

    announce("audit")

import logging
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from tabulate import tabulate

from hsi import files
from hsi.cli.main import main
from hsi.cli.request import AuditRequest
from hsi.config.build import build_as
from hsi.evaluation import position
from hsi.evaluation.leakage import audit, fields_in_words, in_words, ladder
from hsi.plots import canvas
from hsi.plots.leakage import draw_ladder, draw_leakage
from hsi.recipes import split_of
from hsi.scene import Scene
from hsi.scenes.assemble import require_classes
from hsi.splits.roles import TEST, TRAIN, VALIDATION, save_split

log = logging.getLogger(__name__)

HEADINGS = {
    "window": "window",
    "test_windows_with_training_pixel": "with a training pixel %",
    "test_windows_with_training_pixel_of_own_class": "of their own class %",
    "mean_overlap": "mean overlap %",
}


def run(config: DictConfig) -> None:
    """Load, split, measure, write split.npz, audit.csv, audit.png, leakage.json and leakage.png."""
    request = AuditRequest.read(config)
    runtime = HydraConfig.get().runtime
    folder = Path(runtime.output_dir)
    scene = build_as(Scene, request.scene, "scene")
    require_classes(scene)
    split = split_of(scene, request.split)
    table = ladder(split, scene.labels, request.windows, request.context, scene.valid)
    leakage = audit(
        split, scene.labels, request.patch_size, None, request.context, polygons=scene.polygons, valid=scene.valid
    )
    leakage["position"] = position.by_position(split, scene.labels, scene.class_names)

    counts = ", ".join(
        f"{len(split.pixels(role)):,} {verb}"
        for role, verb in ((TRAIN, "train"), (VALIDATION, "validate"), (TEST, "test"))
    )
    title = f"{scene.name}, {runtime.choices['split']}: {counts}"
    save_split(folder / "split.npz", split)
    files.write(folder / "audit.csv", table.to_csv(index=False))
    files.write_json(folder / "leakage.json", leakage)
    canvas.save(draw_ladder(table, title), folder / "audit.png")
    canvas.save(draw_leakage(leakage, leakage["position"]), folder / "leakage.png")

    log.info("%s (split %s...).", title, split.hash[:8])
    for note in split.notes:
        log.info("  %s", note)
    shown = table.assign(**{c: (100 * table[c]).map("{:.1f}".format) for c in table.columns[1:]}).rename(
        columns=HEADINGS
    )
    log.info("\nTest windows:\n%s\n", tabulate(shown, headers="keys", showindex=False, tablefmt="simple"))
    log.info("%s", position.in_words(leakage["position"]))
    log.info("%s", in_words(leakage))
    log.info("%s", fields_in_words(leakage["fields"]))
    log.info("Table and pictures: %s", folder)


if __name__ == "__main__":
    main(run, "audit")
