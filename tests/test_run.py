"""The real entry point, on the synthetic scene and on Indian Pines."""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, TRIAL
from nursery import Nursery
from safetensors.numpy import load_file

from hsi.evaluation.position import in_words
from hsi.runs.folder import held

FILES = [
    ".hydra/config.yaml",
    "run.log",
    "metrics.json",
    "confusion.csv",
    "confusion.png",
    "map.npy",
    "map.png",
    "confidence.npy",
    "split.npz",
    "history.csv",
    "history.png",
    "leakage.png",
    "model.safetensors",
    "bundle.json",
    "environment.json",
]


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with Nursery(tmp_path_factory.mktemp("nursery")) as made:
        yield made


def test_a_run_leaves_every_file_and_says_where(in_full, hsi_run):
    outcome = hsi_run(*TRIAL, "hydra.run.dir=here", "+attention=se", "split.validation=0.1", "train.validate_every=2")
    assert outcome.status == 0, outcome.err
    assert sorted(FILES) == sorted({*FILES} & {str(p.relative_to("here")) for p in Path("here").rglob("*")})
    assert not list(Path("here").glob("*.part")) + list(Path("here").glob("checkpoint*"))
    metrics = json.loads(Path("here/metrics.json").read_text())
    class_map, split = np.load("here/map.npy"), np.load("here/split.npz")
    assert class_map.shape == (40, 36)
    assert class_map.dtype == np.uint8
    assert set(np.unique(class_map)) <= set(range(1, 7))
    assert metrics["n_test"] == (split["role"] == 3).sum()
    assert metrics["n_val"] > 0
    assert metrics["choices"]["attention"] == "se"
    assert metrics["split_hash"] == str(split["hash"])
    assert set(metrics["seconds"]) == {"load", "train", "map"}
    stages = [part.split() for part in re.search("Seconds: (.+)", outcome.out)[1].split(", ")]
    assert [name for name, _ in stages] == ["load", "train", "map", "write"]
    assert {name: float(told) for name, told in stages[:3]} == pytest.approx(metrics["seconds"], abs=0.051)
    assert len(metrics["per_class"]) == 6
    assert 0 < np.load("here/confidence.npy").min() <= np.load("here/confidence.npy").max() <= 1
    assert "map.png" in outcome.out
    assert "test windows" in outcome.out


def test_accuracy_is_that_of_the_saved_map(hsi_run):
    """metrics.json can be computed again from map.npy, split.npz and the scene."""
    from hsi.runs.opened import open_run

    assert hsi_run(*TRIAL, "train.steps=12", "hydra.run.dir=here").status == 0
    run = open_run("here")
    assert run.config["model"]["patch_size"] == 9
    scene = run.load_scene()
    test = run.split.role == 3
    assert run.metrics["oa"] == pytest.approx((run.class_map == scene.labels)[test].mean(), abs=1e-12)
    assert run.metrics["oa"] > 0.5
    assert run.confusion.to_numpy().sum() == test.sum()
    assert (run.confusion.sum(axis=1) == [((scene.labels == k) & test).sum() for k in range(1, 7)]).all()


def test_same_seed_same_bytes_other_seed_other_map(hsi_run):
    for name, seed in [("a", 1), ("b", 1), ("c", 2)]:
        assert hsi_run(*TRIAL, f"seed={seed}", f"hydra.run.dir={name}").status == 0
    content = {name: Path(name, "map.npy").read_bytes() for name in "abc"}
    metrics = {name: json.loads(Path(name, "metrics.json").read_text()) for name in "abc"}
    assert content["a"] == content["b"] != content["c"]
    assert load_file("a/model.safetensors").keys() == load_file("b/model.safetensors").keys()
    assert Path("a/model.safetensors").read_bytes() == Path("b/model.safetensors").read_bytes()
    assert all(metrics["a"][k] == metrics["b"][k] for k in metrics["a"] if k not in ("seconds",))
    assert metrics["a"]["split_hash"] != metrics["c"]["split_hash"]


def test_dense_and_patch_runs_agree(hsi_run):
    """Training included: the same steps by both engines end in nearly the same weights and the same map."""
    for engine in ("dense", "patch"):
        words = ["train.steps=3", "train.batch_size=32", f"engine={engine}", f"hydra.run.dir={engine}"]
        words += ["precision=fp32", "engine.channels_last=false"]
        assert hsi_run(*TRIAL, "model.dropout=0", *words).status == 0
    dense, patch = (load_file(f"{e}/model.safetensors") for e in ("dense", "patch"))
    assert max(np.abs(dense[k] - patch[k]).max() for k in dense) < 1e-4
    assert (np.load("dense/map.npy") == np.load("patch/map.npy")).mean() > 0.999


def test_killed_and_started_again_ends_in_the_same_bytes(nursery, tmp_path):
    words = [*TRIAL, "train.steps=20", "train.checkpoint_seconds=0", "split.validation=0.1", "train.validate_every=3"]
    whole, killed, told = tmp_path / "whole", tmp_path / "killed", tmp_path / "told"
    nursery.start("hsi.run", *words, f"hydra.run.dir={whole}", told=told)
    assert nursery.end() == 0, told.read_text()
    child = nursery.start("hsi.run", *words, f"hydra.run.dir={killed}", told=told)
    wait_for(killed / "checkpoint.safetensors", told)
    os.kill(child, signal.SIGKILL)
    assert nursery.end() == -signal.SIGKILL
    assert not (killed / "metrics.json").exists()
    nursery.start("hsi.run", *words, f"hydra.run.dir={killed}", told=told)
    assert nursery.end() == 0, told.read_text()
    assert "Resuming from step" in told.read_text()
    for name in ("map.npy", "confidence.npy", "model.safetensors", "history.csv", "split.npz", "confusion.csv"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name


def wait_for(path: Path, told: Path) -> None:
    """Until the file is there."""
    last = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < last, told.read_text()
        time.sleep(0.01)


@pytest.mark.parametrize(("number", "word", "status"), [("SIGINT", "Interrupted", 130), ("SIGTERM", "Terminated", 143)])
def test_a_signal_ends_a_run_with_a_sentence(nursery, tmp_path, number, word, status):
    """By the keyboard, or as schedulers of clusters do it."""
    here, told = tmp_path / "here", tmp_path / "told"
    words = [*TRIAL, "train.steps=100000", "train.checkpoint_seconds=0", f"hydra.run.dir={here}"]
    child = nursery.start("hsi.run", *words, told=told)
    wait_for(here / "checkpoint.safetensors", told)
    os.kill(child, getattr(signal, number))
    assert nursery.end() == status
    assert f"{word}. Rerun the same command to resume" in told.read_text()
    assert "Traceback" not in told.read_text()
    with held(here):  # the lock is free
        pass


def test_finished_runs_are_left_alone_unless_forced(hsi_run):
    words = [*TRIAL, "hydra.run.dir=here"]
    assert hsi_run(*words).status == 0
    written = Path("here/metrics.json").stat().st_mtime_ns
    checkpoint = Path("here/checkpoint.safetensors")
    checkpoint.touch()  # as if it had been killed between its last two operations
    again = hsi_run(*words)
    assert again.status == 0
    assert "Finished already" in again.out
    assert not checkpoint.exists()
    assert Path("here/metrics.json").stat().st_mtime_ns == written
    assert hsi_run(*words, "force=true").status == 0
    assert Path("here/metrics.json").stat().st_mtime_ns != written


def test_a_folder_of_another_configuration_is_kept(hsi_run):
    assert hsi_run(*TRIAL, "hydra.run.dir=here").status == 0
    before = {p: p.read_bytes() for p in Path("here").rglob("*") if p.is_file() and p.name != "run.log"}
    other = hsi_run(*TRIAL, "hydra.run.dir=here", "seed=5")
    assert other.status == 2
    assert "belongs to another configuration" in other.out
    assert "seed: there 0, here 5" in other.out
    assert before == {p: p.read_bytes() for p in Path("here").rglob("*") if p.is_file() and p.name != "run.log"}


def test_a_sweep_skips_what_is_finished_survives_a_failure_and_sums_up(hsi_run):
    words = ["-m", *TRIAL, "seed=0,1", "reduce.components=15,99"]  # 99 components of 60 bands must fail
    first = hsi_run(*words)
    assert first.status == 1
    (folder,) = Path("outputs/sweeps").iterdir()
    finished = sorted(folder.rglob("metrics.json"))
    assert len(finished) == 2
    head, *named = first.err.splitlines()
    assert head.startswith("2 of 4 members failed")
    assert [line.split(": ")[0].split() for line in named] == [
        [f"seed={seed}", "reduce.components=99"] for seed in (0, 1)
    ]
    assert all(": reduce.components=99: the scene has 60 bands" in line for line in named)
    assert "the scene has 60 bands" in " ".join(first.out.split())
    summary = (folder / "summary.md").read_text()
    assert "±" in summary
    assert (folder / "summary.csv").exists()
    times = [p.stat().st_mtime_ns for p in finished]
    second = hsi_run(*words)
    assert second.out.count(" before  seed=") == 2
    assert [p.stat().st_mtime_ns for p in finished] == times


def test_attention_can_be_swept(hsi_run):
    assert hsi_run("-m", *TRIAL, "train.steps=2", "+attention=none,se,spatial,cbam,eca").status == 0
    (folder,) = Path("outputs/sweeps").iterdir()
    summary = (folder / "summary.md").read_text()
    assert all(f"attention={name}" in summary for name in ("none", "se", "spatial", "cbam", "eca"))


def test_real_indian_pines(in_full, hsi_run, indian_pines):
    """The main job on the real scene, a small network for some steps: far above the largest class's share, 24 %."""
    words = ["patch_size=9", "reduce.components=15", "train.steps=30", "train.batch_size=512", "hydra.run.dir=here"]
    data = os.environ.get("HSI_DATA_DIR", str(ROOT / "data"))
    outcome = hsi_run(*words, f"data_dir={data}")
    assert outcome.status == 0, outcome.err
    metrics = json.loads(Path("here/metrics.json").read_text())
    assert (metrics["n_train"], metrics["n_test"]) == (3074, 7175)
    assert metrics["oa"] > 0.4
    assert metrics["leakage"]["test_windows_with_training_pixel"] > 0.9
    assert 0.99 < metrics["position"]["oa"] < 1
    assert in_words(metrics["position"], metrics["oa"]) in " ".join(outcome.out.split())
    assert list(metrics["per_class"]) == list(indian_pines.class_names)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["patch_size=10"], "patch_size=10: give an odd whole number of pixels from 1 on, or null"),
        (["patch_size=7"], "window of at least 9"),
        (["patch_size=37"], "larger than the scene"),
        (["reduce.components=61"], "the scene has 60 bands"),
        (["reduce.components=12"], "at least 13 components"),
        (["split.train=0"], "split.train=0"),
        (["split.train=1.5"], "split.train=1.5"),
        (["split.train=-0.3"], "split.train=-0.3"),
        (["split.per_class=100000"], "the largest class has"),
        (["model=nonsense"], "model=nonsense: no such file"),
        (["+attention=nonsense"], "attention=nonsense: no such file"),
        (["scene=nonsense"], "scene=nonsense: no such file"),
        (["model.patch_sise=9"], "unknown key model.patch_sise"),
        (["seeds=9"], "unknown key seeds"),
        (["device=tpu"], "choose auto, cpu or cuda"),
        (["precision=fp8"], "choose auto, fp32 or bf16"),
        (["engine.padding=mirror"], "choose zero, reflect or edge"),
        (["train.steps=0"], "train.steps=0"),
        (["train.class_weights=some"], "choose none, balanced or fields"),
        (["map.symmetries=3"], "choose 1 or 8"),
        (["scene=custom"], "give scene.cube="),
        (["scene=custom", "scene.cube=missing.mat", "scene.labels=missing.mat"], "missing.mat"),
        (["hydra.run.dir=/dev/null/here"], "/dev/null/here"),
        (["optimizer.lr=1e9", "train.steps=60"], "training diverged at step"),
    ],
)
def test_bad_input_gets_one_sentence(hsi_run, words, sentence):
    outcome = hsi_run(*([] if words[0] == "scene=custom" else TRIAL), *words)
    told = outcome.out + outcome.err
    assert outcome.status == 2
    assert sentence in told
    assert "Traceback" not in told
    assert sum(line.startswith("Error: ") for line in told.splitlines()) == 1
    assert not list(Path().rglob("metrics.json")) + list(Path().rglob("map.npy"))


def test_a_full_disk_leaves_no_half_run(hsi_run, monkeypatch):
    """Whatever file the disk refuses, the run says so and is not taken for a finished one."""
    real = Path.write_bytes

    def refuse(path: Path, content: bytes) -> int:
        if path.name.startswith(".model"):
            real(path, content[:10])
            raise OSError(28, "No space left on device", str(path))
        return real(path, content)

    monkeypatch.setattr(Path, "write_bytes", refuse)
    outcome = hsi_run(*TRIAL, "hydra.run.dir=here")
    assert outcome.status == 2
    assert "No space left on device" in outcome.out
    assert not Path("here/metrics.json").exists()
    assert not list(Path("here").glob("*model.safetensors*"))
    monkeypatch.undo()
