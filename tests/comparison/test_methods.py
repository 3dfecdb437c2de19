"""The section on methods: what was done, from the runs' own files, and whom it cites."""

import re
import shutil
import subprocess

import pytest
from compared_runs import SCENE, write_maps
from written_runs import write_run

from hsi import files
from hsi.comparison.groups import OPTIONAL
from hsi.comparison.report import compare
from hsi.config.shipped import CONF, published_scenes
from hsi.reports.bibliography import SOURCE, bibliography, cited_for, references
from hsi.scenes.synthetic import make_synthetic

FIELDS = {
    "article": {"author", "title", "journal", "year"},
    "inproceedings": {"author", "title", "booktitle", "year"},
    "misc": {"author", "title"},
}
CONFIG = {
    "reduce": {"_target_": "hsi.reduce.pca", "components": 15, "whiten": True},
    "optimizer": {"lr": 0.002, "weight_decay": 0.01},
    "schedule": {"warmup": 0.3},
    "train": {"steps": 100, "epochs": None, "batch_size": 64, "augment": False},
    "map": {"symmetries": 8, "save_probabilities": True},
}
CHOICES = {"model": "hybridsn", "split": "regions", "reduce": "pca", "optimizer": "adamw", "schedule": "one_cycle"}


def told(tmp_path, name: str = "methods.md") -> str:
    return (tmp_path / "out" / name).read_text()


def finish(folder, **values):
    path = folder / "metrics.json"
    files.write_json(path, files.read_json(path) | values)
    return folder


def test_the_sentences_say_what_the_runs_did(tmp_path):
    scene = make_synthetic(**SCENE)
    for seed in (3, 1):
        folder = write_run(tmp_path / str(seed), seed=seed, oa=0.9, split=str(seed), model="hybridsn", **CONFIG)
        config = files.read_json(folder / "metrics.json")["config"]
        config |= {"split": {"train": 0.5, "seed": seed, "draw": "balanced"}}
        config["model"] = {
            "dropout": 0.4,
            "attention": {"reduction": 16},
            "attention_position": "every",
            "patch_size": 5,
        }
        finish(
            folder,
            config=config,
            choices=CHOICES | {"scene": "synthetic", "attention": "se"},
            precision="fp32",
            n_train=30 + seed,
            n_val=0,
            n_test=70,
            code={"version": "1.2.3", "commit": "0123456789abcdef"},
            libraries={"torch": "2.6.0"},
            python="3.11.7",
            processor=f"CPU {seed}",
        )
        write_maps(folder, scene, 0.1, seed)
    compare([tmp_path / "3", tmp_path / "1"], tmp_path / "out")
    text = told(tmp_path)
    for words in (
        f"has 40 × 40 pixels, 8 bands and 3 classes, with {(scene.labels > 0).sum():,} labelled pixels",
        "Split: whole fields, every pixel of the scene on one side, windows masked to their side (train = 0.5, draw = "
        "balanced), which gives 31 to 33 training, 0 validation and 70 test pixels [@nalepa2019validating].",
        "**HybridSN + SE.** A network of 1,234,567 parameters on windows of 5 × 5 pixels (dropout = 0.4) "
        "[@paszke2019pytorch; @roy2020hybridsn].",
        "Attention: SE, every (reduction = 16) [@hu2018squeeze].",
        "Reduction: principal component analysis of the spectra (components = 15, whiten = yes).",
        "Optimiser: Adam with decoupled weight decay (lr = 0.002, weight decay = 0.01) [@loshchilov2019decoupled].",
        "Training in fp32 (steps = 100, batch size = 64, augment = no).",
        "Map of the whole scene (symmetries = 8).",
        "2 runs with seeds 1, 3 on 1 split; 50.0 % of the test windows contain a training pixel.",
        "hsi 1.2.3 (commit 0123456789), Python 3.11.7 and PyTorch 2.6.0 [@hsi].",
        "processor CPU 1 or CPU 3",
    ):
        assert words in text
    assert set(re.findall(r"@(\w+)", text)) == {
        entry[1] for entry in re.finditer(r"@\w+\{(\w+),", told(tmp_path, "references.bib"))
    }
    assert set(re.findall(r"\w+", " ".join(re.findall(r"\\cite\{(.*?)\}", told(tmp_path, "methods.tex"))))) == set(
        re.findall(r"@(\w+)", text)
    )
    assert "keywords" not in told(tmp_path, "references.bib")


def test_methods_on_different_splits_are_named_with_theirs(tmp_path):
    folders = []
    for model, train in (("svm", 0.1), ("knn", 0.2)):
        folder = write_run(tmp_path / model, model=model, seed=0, oa=0.9, split=model)
        config = files.read_json(folder / "metrics.json")["config"] | {"split": {"train": train}}
        folders.append(finish(folder, config=config, choices={"model": model, "split": "random"}, parameters=None))
    compare(folders, tmp_path / "out")
    assert "Split of SVM (RBF): pixels at random within each class, as is customary (train = 0.1)." in told(tmp_path)
    assert "Split of k-NN: pixels at random within each class, as is customary (train = 0.2)." in told(tmp_path)
    assert "Not all methods have the same training and test pixels." in told(tmp_path, "paper.md")
    assert "Fitted in one go on windows" in told(tmp_path)
    assert "Optimiser" not in told(tmp_path)


def test_what_a_run_says_is_no_markup_and_no_command(tmp_path):
    """Of values in a configuration, and of what is not checked on reading, anything may come."""
    bad = r"\input{/etc/passwd} $x$ <b> `a` %"
    config = {"train": {bad: bad, "deep": {"a": {"b": 1}}, "long": "x" * 10_000}, "reduce": [bad], "map": bad}
    folder = write_run(tmp_path / "bad", seed=0, oa=0.9, model="net", **config)
    finish(
        folder, code=[bad], libraries={"torch": [bad] * 1000}, python={"a": bad}, processor=bad, choices={"split": bad}
    )
    compare([folder], tmp_path / "out")
    text = told(tmp_path, "methods.tex")
    assert r"\textbackslash{}input\{/etc/passwd\}" in text
    assert set(re.findall(r"\\([a-zA-Z]+)", text)) <= {"paragraph", "cite", "textbackslash", "times", "kappa"}
    assert len(text) < 10_000
    assert not re.search(r"(?<!\\)[`<]", told(tmp_path))


@pytest.mark.parametrize(
    "word",
    [
        *(f"model={path.stem}" for path in sorted((CONF / "model").glob("*.yaml")) if path.stem != "custom"),
        *(f"attention={path.stem}" for path in sorted((CONF / "attention").glob("*.yaml")) if path.stem != "none"),
        *(f"scene={name}" for name in published_scenes()),
        *(f"split={name}" for name in ("grss_dase", "spectralformer_695", "grown", "blocks", "regions", "guard")),
        *("always", "network", "tests"),
    ],
)
def test_every_choice_has_somebody_to_cite(word):
    assert cited_for(word)


def test_the_entries_are_whole_and_cited_for_what_there_is():
    found = references()
    assert len(found) == SOURCE.read_text().count("\n@")
    assert len({entry.key for entry in found}) == len(found)
    for entry in found:
        kind, *_ = re.match(r"@(\w+)\{", entry.text).groups()
        fields = set(re.findall(r"^  (\w+) = \{", entry.text, flags=re.MULTILINE))
        assert fields >= FIELDS[kind], entry.key
        assert entry.text.count("{") == entry.text.count("}")
        assert " and and " not in " ".join(entry.text.split())
        for word in entry.keywords - {"always", "network", "tests"}:
            group, _, choice = word.partition("=")
            assert (CONF / group / f"{choice}.yaml").exists(), word


def test_what_the_sentences_read_is_checked():
    assert {"n_train", "n_val", "n_test", "per_class_support"} <= OPTIONAL.keys()


@pytest.mark.skipif(not shutil.which("bibtex"), reason="BibTeX is not installed")
def test_bibtex_takes_the_entries(tmp_path):
    (tmp_path / "references.bib").write_text(bibliography([entry.key for entry in references()]))
    (tmp_path / "main.aux").write_text("\\citation{*}\n\\bibstyle{plain}\n\\bibdata{references}\n")
    made = subprocess.run(["bibtex", "main"], cwd=tmp_path, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout
    assert "arning" not in made.stdout
    assert (tmp_path / "main.bbl").read_text().count("\\bibitem") == len(references())
