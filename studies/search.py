"""A search for settings by Optuna, decided by validation pixels: ``python -m studies.search [WORDS] [--trials N]``.

WORDS choose scene, split and training as in `hsi run`. Test pixels have no part in the search: they judge its outcome
once, by the command that is printed.
"""

import argparse
import shlex
from collections.abc import Sequence

import optuna

from hsi.config.build import build_as
from hsi.experiment import train
from hsi.recipes import compose_settings, recipe_of, split_of
from hsi.runs.result import best_validation
from hsi.scene import Scene
from hsi.splits.roles import VALIDATION, Split


def suggest(trial: optuna.Trial) -> list[str]:
    """What is searched, as words of a command line: change it to your needs."""
    return [
        f"optimizer.lr={trial.suggest_float('optimizer.lr', 1e-4, 1e-2, log=True)}",
        f"reduce.components={trial.suggest_int('reduce.components', 15, 40)}",
        f"model.dropout={trial.suggest_float('model.dropout', 0.0, 0.6)}",
    ]


def validation_accuracy(scene: Scene, split: Split, words: list[str]) -> float:
    """The highest overall accuracy on the validation pixels in a training by these words; nothing is mapped."""
    tree, chosen = compose_settings(words)
    found = best_validation(train(scene, split, recipe_of(tree, chosen["model"]), seed=tree["seed"]).history)
    if found is None:
        raise SystemExit("there are no validation pixels to decide: add split.validation=0.1")
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Search, and print the command of the best settings."""
    parser = argparse.ArgumentParser(prog="python -m studies.search", description=__doc__)
    parser.add_argument("words", nargs="*", default=["split.validation=0.1"], help="as of hsi run")
    parser.add_argument("--trials", type=int, default=20, help="trainings")
    argv = parser.parse_args(words)
    tree, _ = compose_settings(argv.words)
    scene = build_as(Scene, tree["scene"], "scene")
    split = split_of(scene, tree["split"])
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(lambda trial: validation_accuracy(scene, split, [*argv.words, *suggest(trial)]), argv.trials)
    count = len(split.pixels(VALIDATION))
    print(f"Validation OA {100 * study.best_value:.2f} % of {count:,} pixels. Judge it once, by the test pixels:")
    print(shlex.join(["hsi", "run", *argv.words, *(f"{key}={value}" for key, value in study.best_params.items())]))


if __name__ == "__main__":
    main()
