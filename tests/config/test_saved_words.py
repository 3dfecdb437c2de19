"""Words that a run has saved: what speaks to Hydra, or chooses other files than those under conf/, is not followed."""

import pytest

from hsi.config.saved import read_words, vet_words
from hsi.errors import HsiError
from hsi.recipes import compose_settings

BAD = [
    "hydra.searchpath=[pkg://evil]",
    "+hydra.searchpath=[pkg://evil]",
    "hydra/launcher=evil",
    "hydra.run.dir=/elsewhere",
    "experiment=../../evil",
    "experiment=/evil",
    "experiment=[trial,../evil]",
    "+experiment@model=trial",
    "scene@model=salinas",
    "--config-dir=/evil",
    "+x=${oc.env:HOME}",
    "+a" + ".b" * 5000 + "=1",
    "seed=" + "[" * 20_000,
    "x" * 20_000,
    "model=hybridsn,svm",
    "x" * 5000,
    "",
    "=1",
]


@pytest.mark.parametrize("word", BAD, ids=range(len(BAD)))
def test_words_that_no_run_saves(word):
    with pytest.raises(HsiError) as told:
        vet_words(["seed=1", word], "overrides.yaml")
    assert len(str(told.value)) < 300


def test_a_command_line_that_takes_hydra_minutes():
    with pytest.raises(HsiError, match="more than any command line"):
        vet_words(["seed=1"] * 8000, "overrides.yaml")


def test_words_that_runs_save():
    vet_words(
        ["model=ssrn", "+attention=se", "experiment=[trial,leak_gap]", 'scene.cube="a b/c=d.npy"', "~attention"], ""
    )


@pytest.mark.parametrize(
    "word",
    [
        "seed=range(1,100000000)",
        "seed=choice(1,2)",
        "seed=" + "[" * 5000,
        "seed=" + "9" * 5000,
        "+x=" + "{a:" * 300 + "1" + "}" * 300,
    ],
)
def test_what_passes_ends_in_a_sentence_if_hydra_cannot_compose_it(word):
    vet_words([word], "")
    with pytest.raises(HsiError):
        compose_settings([word])


@pytest.mark.parametrize("content", ["a: 1", "[1, 2]", "&a [x, *a]", "!!python/object:os.system x", "[", "- !x y"])
def test_no_list_of_words(tmp_path, content):
    path = tmp_path / "overrides.yaml"
    path.write_text(content)
    with pytest.raises(HsiError, match=r"overrides\.yaml"):
        read_words(path)
