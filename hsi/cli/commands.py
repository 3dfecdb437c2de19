"""The list of commands: what each does, and examples of it."""

from dataclasses import dataclass

from hsi.config.explained import MAIN


@dataclass(frozen=True)
class Command:
    """A command: what it does, and examples with a remark each; `config` is its file under conf/, if it has one."""

    summary: str
    examples: tuple[tuple[str, str], ...]
    config: str | None = None


COMMANDS = {
    "run": Command(
        "train a model on a scene, map every pixel, and report how far the map can be trusted",
        (
            ("hsi run", "the default: HybridSN on Indian Pines"),
            ("hsi run model=ssrn +attention=se split=regions", "other choices"),
            ("hsi run scene=custom scene.cube=a.hdr scene.labels=a_gt.mat", "your own scene"),
            ("hsi run -m seed=0,1,2 model=hybridsn,svm", "every combination, then a table"),
        ),
        MAIN,
    ),
    "list": Command(
        "list the finished runs below a folder with their figures, and count the others",
        (("hsi list", "all below outputs/"), ("hsi list outputs/sweeps", "")),
    ),
    "compare": Command(
        "compare finished runs: tables, paired tests, ranks and figures",
        (("hsi compare outputs/sweeps/A outputs/sweeps/B", ""),),
    ),
    "predict": Command(
        "map another scene with the model of a finished run, without training",
        (
            ("hsi predict run=DIR scene.cube=next.tif out=DIR", "a scene of your own"),
            ("hsi predict run=DIR scene=salinas", "a published scene"),
        ),
        "predict",
    ),
    "export": Command(
        "write the model of a finished run as ONNX or TorchScript, for other programs",
        (
            ("hsi export run=DIR", "model.onnx beside the run's files"),
            ("hsi export run=DIR format=torchscript out=field.pt", "another format and place"),
        ),
        "export",
    ),
    "verify": Command(
        "recompute a finished run from its files, and list what is taken on trust",
        (
            ("hsi verify outputs/indian_pines/hybridsn/NAME", ""),
            ("hsi verify --refit outputs/indian_pines/hybridsn/NAME", "repeat the training too"),
        ),
    ),
    "audit": Command(
        "measure how much test windows see of the training pixels, without training",
        (
            ("hsi audit split=regions", "another split"),
            ("hsi audit split=grown split.train=0.1 'windows=[5,9,25]'", "for these windows"),
        ),
        "audit",
    ),
    "bench": Command(
        "time the shared trunk against window-by-window evaluation on this machine",
        (
            ("hsi bench", "HybridSN on Indian Pines"),
            ("hsi bench model=ssrn 'bench.batches=[256]'", "another model, one batch size"),
        ),
        "bench",
    ),
    "search": Command(
        "search for a network's cell, sum by sum, by short trainings on validation pixels",
        (
            ("hsi search minutes=60", "the same command goes on, with more minutes too"),
            ("hsi search strategy=random minutes=60", "cells drawn at random, to compare with"),
        ),
        "search",
    ),
    "models": Command(
        "list the networks with their cost, what they share, and their papers",
        (("hsi models", "each with its own window"), ("hsi models patch_size=9", "all with the same window")),
    ),
}
