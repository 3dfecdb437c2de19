"""Commands that cannot be right: each gets one sentence, leaves no result, and does not block the next start."""

import errno
import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, TRIAL, Outcome, configure
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from hsi import audit, bench, compare, export, predict, run, verify
from hsi.cli import main as cli
from hsi.config.build import DIRECTIVES, TARGET, build, check, locate
from hsi.config.faults import explain
from hsi.errors import HsiError
from hsi.models import __main__ as models
from hsi.models.building import require_settings

COMMANDS = {
    "run": lambda: cli.main(run.run, "config"),
    "predict": lambda: cli.main(predict.predict, "predict"),
    "export": lambda: cli.main(export.run, "export"),
    "audit": lambda: cli.main(audit.run, "audit"),
    "bench": lambda: cli.main(bench.bench, "bench"),
    "compare": compare.main,
    "verify": verify.main,
    "models": models.main,
}
RESULTS = {"metrics.json", "map.npy", "model.safetensors", "prediction.json", "audit.csv", "bench.csv", "summary.md"}
CUSTOM = "run scene=custom scene.cube=FILES/cube.npy scene.labels=FILES/labels.npy"

# A command and what its sentence says. T is the trial scene; FILES a folder with cube.npy (30, 31, 60), labels.npy of
# five classes, other.npy (5, 5), file (no image) and empty (a folder).
TABLE = {
    # numbers
    "run T seed=-1": "seed=-1: give a whole number from 0 to 4294967295",
    "run T seed=1.5": "seed=1.5: give a whole number from 0 to 4294967295",
    "run T seed=abc": "seed=abc: give a whole number from 0 to 4294967295",
    "run T seed=null": "seed=null: give a whole number",
    "run T seed=": "seed=: give a whole number",
    "run T seed=true": "seed=true: give a whole number",
    "run T seed=[0,1]": "seed=[0, 1]: give a whole number",
    "run T seed={a:1}": "seed={a: 1}: give a whole number",
    "run T seed=99999999999999999999": "seed=99999999999999999999: give a whole number from 0 to 4294967295",
    "run T seed=٣": "seed=٣ has signs that Hydra reads as its own: put quotes around it: 'seed=\"٣\"'",
    "run T 'seed=\"٣\"'": "seed=٣: give a whole number",
    "run T train.steps=1.5": "train.steps=1.5: give a whole number from 1 on",
    "run T train.steps=0": "train.steps=0: give a whole number from 1 on",
    "run T train.steps=-0": "train.steps=0: give a whole number from 1 on",
    "run T train.steps=null": "train.steps=null: give a whole number from 1 on",
    "run T train.steps=[5]": "train.steps=[5]: give a whole number from 1 on",
    "run T train.steps=99999999999999999999": "give a whole number from 1 on, up to 1000000000000",
    "run T train.epochs=nan": "train.epochs=nan: give a positive number, or null",
    "run T train.batch_size=all": "train.batch_size=all: give a whole number from 1 on",
    "run T train.label_smoothing=1.5": "train.label_smoothing=1.5: give a share from 0 to below 1",
    "run T train.validate_every=0": "train.validate_every=0: give a whole number from 1 on",
    "run T train.checkpoint_seconds=nan": "train.checkpoint_seconds=nan: give a number from 0 on",
    "run T model=svm train.steps=1.5": "train.steps=1.5: give a whole number from 1 on",
    "run T optimizer.lr=-1": "optimizer.lr=-1: give a positive number",
    "run T optimizer.lr=nan": "optimizer.lr=nan: give a positive number",
    "run T optimizer.lr=-0.0": "optimizer.lr=-0.0: give a positive number",
    "run T optimizer.lr=inf": "optimizer.lr=inf: give a positive number",
    "run T optimizer=sgd optimizer.momentum=1": "optimizer.momentum=1: give a share from 0 to below 1",
    "run T schedule.warmup=0": "schedule.warmup=0: give a share between 0 and 1",
    "run T reduce.components=2.5": "reduce.components=2.5: give a whole number from 1 on",
    "run T reduce.components=61": "reduce.components=61: the scene has 60 bands, choose 1 to 60",
    "run T reduce.whiten=maybe": "reduce.whiten=maybe: give true or false",
    "run T engine.memory_gb=nan": "engine.memory_gb=nan: give a positive number up to 1000000",
    "run T engine.memory_gb=1e300": "engine.memory_gb=1e+300: give a positive number up to 1000000",
    "run T model=svm model.C=-1": "model.C=-1: give a positive number, or a list of positive numbers",
    "run T model=svm model.C=[]": "model.C=[]: give a positive number, or a list of positive numbers",
    "run T model=svm model.gamma=[1,abc]": "model.gamma=[1, abc]: give a positive number, or a list",
    "run T model=knn model.neighbours=100000": "314 training pixels are too few for this model (model.neigh",
    "run T model=random_forest model.trees=99999999999": "model.trees=99999999999: give a whole number from 1 to 10000",
    "run T model.dropout=1.5": "model.dropout=1.5: give a share from 0 to below 1",
    "run T scene.rows=0": "scene.rows=0: give a whole number from 1 on",
    "run T scene.rows=10000000 scene.cols=10000000": "10000000 x 10000000 pixels, 60 bands and 6 classes are more",
    "run T scene.rows=3 scene.cols=3": "3 x 3 pixels are too few for 6 classes",
    "run T scene.classes=1": "only one class is labelled",
    "run T scene.noise=inf": "scene.noise=inf: give a number from 0 on",
    # windows
    "run T patch_size=0": "patch_size=0: give an odd whole number of pixels from 1 on, or null",
    "run T patch_size=-3": "patch_size=-3: give an odd whole number of pixels from 1 on, or null",
    "run T patch_size=10": "patch_size=10: give an odd whole number of pixels from 1 on, or null",
    "run T patch_size=[9]": "patch_size=[9]: give an odd whole number of pixels from 1 on, or null",
    "run T patch_size=41": "patch_size=41 is larger than the scene of 40 x 36 pixels",
    "run T patch_size=99999": "patch_size=99999 is larger than the scene of 40 x 36 pixels",
    "run T model.patch_size=null": "model.patch_size=null: give an odd whole number of pixels",
    # splits
    "run T split.train=abc": "split.train=abc: give a share between 0 and 1, or a whole number of pixels from 1 on",
    "run T split.train=2000": "split.train=2000: the scene has 1049 labelled pixels",
    "run T split.train=1e300": "split.train=1e+300: give a share between 0 and 1, or a whole number of pixels",
    "run T split.per_class=0": "split.per_class=0: give a whole number from 1 on, or null",
    "run T split.validation=-0.1": "split.validation=-0.1: give 0, a share between 0 and 1, or a whole number",
    "run T split.seed=null": "split.seed=null: give a whole number",
    "run T split=regions split.train=20": "split.train=20: give a share between 0 and 1",
    "run T split=regions split.folds=1": "split.folds=1: give a whole number from 2 on, or null",
    "run T split=regions split.folds=3 split.fold=3": "split.fold=3: choose 0 to 2 for split.folds=3",
    "run T split=blocks split.validation=0.1": "split.folds=2: give a whole number from 3 on where split.validation",
    "run T split=guard split.distance=1000": "the split leaves none of 6 classes with both training and test pixels",
    "run T split=from_file": "split.path is not set: name the file that holds the split",
    "run T split=from_file split.path=nowhere.npz": "nowhere.npz does not exist or is no file: check the path",
    "run T split=from_file split.path=FILES/other.npy": "other.npy has 5 x 5 pixels, the scene 40 x 36",
    "run T split=from_file split.path=5": "split.path=5: give a path, in quotes if it is a number, or null",
    "run T split=from_file split.content=mask": "split.content=mask: choose roles or training",
    # words
    "run T precision=fp8": "precision=fp8: choose auto, fp32 or bf16",
    "run T device=gpu": "device=gpu: choose auto, cpu or cuda",
    "run T force=perhaps": "force=perhaps: give true or false",
    "run T force=null": "force=null: give true or false",
    "run T train.augment=perhaps": "train.augment=perhaps: give true or false",
    "run T engine.padding=mirror": "engine.padding=mirror: choose zero, reflect or edge",
    "run T engine.channels_last=maybe": "engine.channels_last=maybe: choose auto, true or false",
    "run T map.symmetries=3": "map.symmetries=3: choose 1 or 8",
    "run T map.symmetries=8.5": "map.symmetries=8.5: choose 1 or 8",
    "run T map.symmetries=true": "map.symmetries=true: choose 1 or 8",
    "run T map.context=all": "map.context=all: choose own or free",
    "run T map.calibrate=temprature": "choose none or temperature; did you mean temperature?",
    "run T map.calibrate=temperature": "map.calibrate=temperature is fitted on validation pixels",
    "run T +attention=se model.attention_position=first": "model.attention_position=first: choose last or every",
    # keys and choices
    "run mdoel=svm": "unknown key mdoel: did you mean model?",
    "run model=hybridsnn": "model=hybridsnn: no such file under conf/model/; did you mean hybridsn?",
    "run model=": "model=: choose one of the files under conf/model/, --keys model lists them",
    "run model=null": "model=null: choose one of the files under conf/model/",
    "run model=3": "model=3: choose one of the files under conf/model/",
    "run model=[svm,knn]": "model=[svm,knn]: choose one of the files under conf/model/",
    "run model={a:1}": "model={a:1}: choose one of the files under conf/model/",
    "run ~model": "~model: it cannot be left out; choose one with model=...",
    "run ~seed": "~seed: it cannot be left out; give seed=...",
    "run ~foo": "unknown key foo: known are +attention, data_dir",
    "run train.step=5": "unknown key train.step: did you mean train.steps?",
    "run split=region": "split=region: no such file under conf/split/; did you mean regions?",
    "run experiment=trail": "experiment=trail: no such file under conf/experiment/; did you mean trial?",
    "run scene.rows=40": "unknown key scene.rows: it belongs to scene=synthetic, and another scene is chosen here",
    "run +atention=se": "unknown key atention: did you mean +attention?",
    "run +attention=see": "attention=see: no such file under conf/attention/; did you mean se?",
    "run attention=se": "attention=se: it is added, give +attention=se",
    "run +attention=se +attention=eca": "attention is chosen twice: choose it once",
    "run +seed=3": "+seed: it is there already, leave the plus sign out",
    "run +foo.bar=1": "unknown key foo.bar: known are",
    "run T +model.foo=1": "unknown key model.foo: known are patch_size, attention, attention_position, dropout",
    "run T +train.foo=1": "unknown key train.foo: known are steps,",
    "run T model=svm +train.foo=1": "unknown key train.foo: known are steps,",
    "run T reduce=none": "unknown key reduce.components: no key is known there; where a file sets it, ~",
    "run T model.attention=se": "model.attention=se: attention is a group of its own, give +attention=se",
    "run hydra.foo=1": "unknown key hydra.foo",
    "run hydra.mode=FOO": "hydra.mode=FOO is not allowed: Invalid value 'FOO', expected one of [RUN, MULTIRUN]",
    # recipes and models that do not fit, or are none
    "run T model=svm train=default": "this model learns in one go and not by steps",
    "run T train=once": "train=once fits scikit-learn's estimators, and this model is a network",
    "run T model=custom": "model._target_ has no value yet: give model._target_=...",
    "run T model=custom model._target_=": "model._target_=: give the dotted name of a function or class",
    "run T model=custom model._target_=3": "model._target_=3: give the dotted name of a function or class",
    "run T model=custom model._target_=nosuch.Net": "model._target_=nosuch.Net cannot be imported",
    "run T model=custom model._target_=numpy.pi": "model._target_=numpy.pi is nothing that can be called",
    "run T model=custom model._target_=os.system": "os.system needs a value for command: give +model.command=...",
    "run T model=custom model._target_=os.getcwd": "os.getcwd returns a str: it has to be, or return, a torch",
    "run T model=custom model._target_=torch.nn.Flatten": "torch.nn.Flatten puts out (2, 1215) for two windows",
    "run T split._target_=os.getcwd": "unknown key split.train: no key is known there",
    "run T train._target_=os.getcwd": "train._target_=os.getcwd makes a str: name a hsi.training.fitted.Training",
    "run T engine._target_=builtins.dict": "engine._target_=builtins.dict makes a dict: name what makes a hsi.engine",
    "run T scene._target_=builtins.dict": "scene._target_=builtins.dict makes a dict: name what makes a hsi.scene",
    "run T reduce._target_=builtins.dict": "reduce: builtins.dict could not be built (TypeError: ",
    "run T optimizer._target_=builtins.dict": "optimizer: builtins.dict could not be built (",
    # scenes of one's own
    "run scene=custom": "scene.cube has no value yet: give scene.cube=...",
    "run scene=custom scene.cube=FILES/cube.npy": "no pixel is labelled (all labels are 0 or ignored, or there",
    "run scene=custom scene.cube=null scene.labels=null": "scene.cube=null: give a path",
    "run scene=custom scene.cube= scene.labels=null": "scene.cube=: give a path",
    "run scene=custom scene.cube=[a] scene.labels=null": "scene.cube=[a]: give a path",
    "run scene=custom scene.cube=missing.npy scene.labels=null": "missing.npy does not exist or is no file",
    "run scene=custom scene.cube=FILES/empty scene.labels=null": "empty does not exist or is no file",
    "run scene=custom scene.cube=FILES/file scene.labels=null": "its header file.hdr is not beside it",
    "run scene=custom scene.cube=FILES/cube.npy scene.labels=null": "no pixel is labelled",
    f"{CUSTOM} scene.labels=FILES/other.npy": "other.npy has 5 x 5 pixels, the scene 30 x 31",
    f"{CUSTOM} scene.labels=FILES/cube.npy": "but a label image (rows, columns) is needed",
    f"{CUSTOM} scene.rgb_bands=7": "scene.rgb_bands=7: give three bands counted from 0, such as [43,21,11], or null",
    f"{CUSTOM} scene.ignored_labels=3": "scene.ignored_labels=3: give a list, each a whole number",
    f"{CUSTOM} scene.classes=[a,b]": "2 class names (a, b, ...) for 5 label values",
    f"{CUSTOM} scene.wavelengths=[400,500]": "2 wavelengths for 60 bands",
    f"{CUSTOM} scene.invalid=drp": "choose mask, error, interpolate or drop; did you mean drop?",
    "run T scene.name=": "scene.name=: give a name without slashes or control signs",
    "run T scene.name=../x": "scene.name=../x: give a name without slashes or control signs",
    "run data_dir=": "data_dir=: give a folder",
    "run data_dir=FILES/file": "file: give a folder",
    "run T data_dir=[a]": "data_dir=[a]: give a folder",
    # how words are written
    "run seed": "seed is not understood: write key=value, --help lists the keys",
    "run =3": "=3 has no key: write key=value, --help lists the keys",
    "run 'seed = 3'": "seed = 3 is not understood: write key=value",
    "run T seed=0,1": "seed=0,1 has several values: add -m for a run of each, write seed=[0,1] for a list",
    "run T 'seed=range(3)'": "seed=range(3) has several values: add -m for a run of each",
    "run -m T 'seed=range(0)'": "seed=range(0): no number lies in this range",
    "run -m T model=svm,smv": "model=smv: no such file under conf/model/; did you mean svm?",
    "run T 'patch_size=${sed}'": "patch_size=${sed} refers to sed, which is not there",
    "run T 'patch_size=${patch_size}'": "patch_size=${patch_size} refers to itself: give a value",
    "run T 'patch_size=${oc.env:NOSUCH}'": "the environment variable NOSUCH is not set",
    "run --foo": "unknown option --foo: --help lists what there is",
    "run --seed=3": "unknown option --seed=3: write seed=3",
    "run --cfg foo": "--cfg/-c: invalid choice: 'foo' (choose from 'job', 'hydra', 'all')",
    "run --experimental-rerun x": "--experimental-rerun would open a pickle",
    # folders
    "run T hydra.run.dir=": "hydra.run.dir=: give a folder",
    "run T hydra.run.dir=FILES/file": "file: File exists; a folder is needed there",
    "run T hydra.run.dir=FILES/file/below": "below: Not a directory; part of that path is a file and no folder",
    # the other commands
    "predict scene=synthetic": "run has no value yet: give run=...",
    "predict run=nowhere scene=synthetic": "nowhere/bundle.json does not exist: nowhere holds no finished run",
    "predict run=FILES/file scene=synthetic": "file holds no finished run",
    "predict run=[a] scene=synthetic": "a/bundle.json does not exist: a holds no finished run",
    "predict run=[] scene=synthetic": "run=[]: give a path",
    "predict run=FILES/empty scene=synthetic memory_gb=0": "memory_gb=0: give a positive number",
    "predict run=FILES/empty scene=synthetic accept_range=perhaps": "accept_range=perhaps: give true or false",
    "predict run=FILES/empty scene=synthetic symmetries=4": "symmetries=4: choose 1 or 8, or null",
    "predict run=FILES/empty scene=synthetic unknown=1": "unknown=1: give a share between 0 and 1",
    "predict run=FILES/empty scene=synthetic unknown_score=loss": "unknown_score=loss: choose max_logit or energy",
    "predict run=FILES/empty scene=synthetic shard=-1": "shard=-1: give a whole number from 0 on",
    "predict run=FILES/empty scene=synthetic shard=1 force=true": "choose another out=",
    "predict run=FILES/empty scene=synthetic out=FILES/file": "file",
    "predict run=FILES/empty scene=synthetic trust=[3]": "trust=[3]: give a list, each text",
    "predict rnu=x": "unknown key rnu: did you mean run?",
    "export": "run has no value yet: give run=...",
    "export run=nowhere": "nowhere holds no finished run",
    "export run=nowhere format=tflite": "format=tflite: choose onnx or torchscript",
    "export run=nowhere scene=synthetic": "unknown key scene",
    "export run=nowhere out=": "out=: give a path",
    "export run=nowhere data_dir=x": "unknown key data_dir",
    "predict model=svm": "unknown key model: known are accept_range, data_dir, device",
    "audit windows=[]": "windows=[]: give a list of odd whole numbers of pixels",
    "audit scene=synthetic windows=5": "windows=5: give a list of odd whole numbers of pixels",
    "audit scene=synthetic windows=[5,4]": "windows=[5, 4]: give a list of odd whole numbers of pixels",
    "audit scene=synthetic patch_size=null": "patch_size=null: give an odd whole number of pixels from 1 on",
    "audit scene=synthetic context=both": "context=both: choose own or free",
    "audit window=[5]": "unknown key window: did you mean windows?",
    "bench T bench.repeats=0": "bench.repeats=0: give a whole number from 1 on",
    "bench T bench.batches=[]": "bench.batches=[]: give a list of whole numbers from 1 on, or all, such as [256,all]",
    "bench T bench.batches=[al]": "bench.batches=[al]: give a list of whole numbers from 1 on, or all",
    "bench T bench.repeat=3": "unknown key bench.repeat: did you mean bench.repeats?",
    "bench T bench=3": "bench=3: give values for its keys",
    "bench T model=knn": "model=knn has no layers, so there is nothing to share: bench a network",
    "bench T patch_size=99999": "patch_size=99999 is larger than the scene of 40 x 36 pixels",
    "compare": "DIR is missing: --help shows how to write the command",
    "compare nowhere": "nowhere is no directory: name run or sweep directories",
    "compare FILES/empty": "no finished run (no metrics.json) at or below",
    "compare FILES/empty --measure foo": "--measure=foo: choose oa, aa or kappa",
    "compare FILES/empty --foo": "unknown option --foo: --help lists what there is",
    "verify": "RUN_DIR is missing: --help shows how to write the command",
    "verify nowhere": "nowhere/metrics.json does not exist: nowhere holds no finished run",
    "verify FILES/file": "file holds no finished run",
    "verify FILES/empty other": "other is one word too many",
    "models mdoel=svm": "unknown key mdoel: did you mean model?",
    "models patch_size=10": "patch_size=10: give an odd whole number of pixels from 1 on, or null",
    "models seed=abc": "seed=abc changes nothing that hsi.models shows: leave it out",
}

UNREADABLE = [  # as they stand, Hydra's grammar cannot read them
    "/data/Größe/c.npy",
    "/data/o'brien/c.npy",
    '/data/a"b/c.npy',
    '/data/a\\"b/c.npy',
    "/data/{x}/c.npy",
    "/data/a=b/c.npy",
    "/data/(a)/c.npy",
    "/data/[a]/c.npy",
    "/data/a#b&c;d/c.npy",
    '"/data/a',
    "/data/~a/c.npy",
    "/data/Größe\\",
]
READABLE = ["/data/a b/c.npy", "C:\\data\\c.npy", "/data/$HOME/c.npy", "/data/50%_@:+-/c.npy"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    np.save(folder / "cube.npy", np.random.default_rng(0).integers(1, 5000, (30, 31, 60)).astype(np.uint16))
    np.save(folder / "labels.npy", 1 + np.arange(30 * 31).reshape(30, 31) // 200)
    np.save(folder / "other.npy", np.ones((5, 5), dtype=int))
    (folder / "file").write_text("x")
    (folder / "empty").mkdir()
    return folder


@pytest.fixture
def hsi(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[[str], Outcome]:
    """``python -m hsi.COMMAND WORDS`` in an empty current directory, in this process."""
    monkeypatch.chdir(tmp_path)

    def call(line: str) -> Outcome:
        command, *words = shlex.split(line)
        words = [word for given in words for word in (TRIAL if given == "T" else [given.replace("FILES", str(files))])]
        monkeypatch.setattr(sys, "argv", [f"hsi.{command}", *words])
        capfd.readouterr()
        status = 0
        try:
            COMMANDS[command]()
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        finally:
            torch.set_deterministic_debug_mode("default")
        return Outcome(status, *capfd.readouterr())

    return call


def told(outcome: Outcome) -> str:
    """The one sentence."""
    lines = (outcome.out + outcome.err).splitlines()
    assert not [line for line in lines if "Traceback" in line or "Error in call to target" in line or "usage:" in line]
    (sentence,) = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
    return sentence


@pytest.mark.parametrize("line", TABLE)
def test_a_bad_command_gets_one_sentence_and_leaves_no_result(hsi, line):
    outcome = hsi(line)
    assert outcome.status == 2
    assert TABLE[line] in told(outcome)
    assert not [path for path in Path().rglob("*") if path.name in RESULTS]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("run T scene.name=../here", "scene.name=../here: give a name"),
        ("run T scene.name=../../here", "scene.name=../../here: give a name"),
        ("run T scene.name=/here", "scene.name=/here: give a name"),
        ("run T scene.name=..", "scene.name=..: give a name"),
        ("run T 'scene.name=\"a\x1bb\"'", "without slashes or control signs"),
        (f"run T scene.name={300 * 'a'}", "of at most 100 signs"),
        ("run T model=../../conf/model/hybridsn", "choose a file of conf/model by its name alone"),
        ("audit scene=synthetic scene.name=../../here", "scene.name=../../here: give a name"),
        ("predict run=x scene=synthetic scene.name=../../here", "scene.name=../../here: give a name"),
    ],
)
def test_a_name_that_leads_elsewhere_makes_no_folder(hsi, line, sentence):
    outcome = hsi(line)
    assert outcome.status == 2
    assert sentence in told(outcome)
    assert not list(Path().iterdir())


def test_a_gpu_is_asked_for_where_there_is_none(hsi, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "device=cuda: torch sees no GPU here" in told(hsi("run T device=cuda"))


@pytest.mark.parametrize("path", UNREADABLE)
def test_a_path_that_hydra_cannot_read_is_shown_in_quotes_that_it_can(hsi, path):
    outcome = hsi(f"run scene=custom {shlex.quote(f'scene.cube={path}')} scene.labels=null")
    assert outcome.status == 2
    shown = re.search(r"put quotes around it: (.*)$", told(outcome))[1]
    (word,) = shlex.split(shown)
    assert OverridesParser.create().parse_override(word).value() == path


@pytest.mark.parametrize("path", READABLE)
def test_other_paths_are_taken_as_they_stand(hsi, path):
    outcome = hsi(f"run scene=custom {shlex.quote(f'scene.cube={path}')} scene.labels=null")
    assert outcome.status == 2
    assert f"{Path(path).absolute()} does not exist or is no file" in told(outcome)


@pytest.mark.parametrize(
    "bad",
    [
        "seed=abc",  # found before there is data
        "split.train=2000",  # found in the data
        "reduce.components=61",  # found when the chain has begun
        "optimizer.lr=1e9 train.steps=60",  # found in the training
    ],
)
def test_a_start_that_failed_does_not_block_the_next(hsi, bad):
    assert hsi(f"run T hydra.run.dir=here {bad}").status == 2
    outcome = hsi("run T hydra.run.dir=here train.steps=1")
    assert outcome.status == 0, outcome.err
    assert Path("here/metrics.json").exists()


def test_a_bad_member_of_a_sweep_lets_the_others_go_on(hsi):
    outcome = hsi("run -m T train.steps=1 seed=0,abc,1")
    assert outcome.status == 1
    assert "seed=abc: give a whole number from 0 to 4294967295" in " ".join(outcome.out.split())
    assert len(list(Path("outputs/sweeps").rglob("metrics.json"))) == 2


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(hsi):
    Path("locked").mkdir(mode=0o555)
    outcome = hsi("run T hydra.run.dir=locked/here")
    assert outcome.status == 2
    assert "Permission denied; give yourself permission" in told(outcome)


@pytest.mark.parametrize("no", ["no", "off"])
def test_no_means_false(hsi, no):
    assert hsi("run T hydra.run.dir=here train.steps=1").status == 0
    written = Path("here/metrics.json").stat().st_mtime_ns
    outcome = hsi(f"run T hydra.run.dir=here train.steps=1 force={no}")
    assert "Finished already" in outcome.out
    assert Path("here/metrics.json").stat().st_mtime_ns == written


def test_switches_take_words(hsi):
    weights = {}
    for word in ("no", "false", "yes", "true"):
        assert hsi(f"run T hydra.run.dir=in_{word} train.steps=3 seed=2 train.augment={word}").status == 0
        weights[word] = Path(f"in_{word}", "model.safetensors").read_bytes()
    assert weights["no"] == weights["false"] != weights["yes"] == weights["true"]


OPTIONS = sorted(
    (path.parent.name, path.stem)
    for path in (ROOT / "conf").glob("*/*.yaml")
    if path.parent.name not in ("experiment", "hydra")
)


@pytest.mark.parametrize(("group", "name"), OPTIONS)
def test_every_key_of_every_file_knows_what_it_allows(group, name):
    config = configure(f"{'+' * (group == 'attention')}{group}={name}")
    chosen = config.model.attention if group == "attention" else config[group]
    description = OmegaConf.to_container(chosen) if chosen else {}  # attention=none chooses none
    if description.get(TARGET) == "???":  # model=custom has no callable of its own
        description[TARGET] = "hsi.models.hybridsn.hybridsn"

    def refuse(key: str) -> None:
        bad = {key: [[["x"]]]}
        if group == "scene":  # whose loaders check some of their keys themselves, before they read a file
            build(description | bad, group)
        elif group == "model":  # attention's keys are every model's
            require_settings({TARGET: description[TARGET], **bad})
        else:  # train=once is checked like the other recipes, see `hsi.recipes`
            target = "hsi.training.steps.Steps" if group == "train" else description[TARGET]
            check(locate(target, group), bad, group)

    for key in set(description) - set(DIRECTIVES):
        with pytest.raises(HsiError, match=rf"^{group}\.{key}=\[\[\[x\]\]\]: .*(give|choose) "):
            refuse(key)


MACHINE = [
    (MemoryError(), "the machine has too little memory for this: lower engine.memory_gb"),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), "too little memory"),
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB"), "the machine has too little memory"),
    (OSError(errno.ENOSPC, "No space left on device", "x/map.npy"), "x/map.npy: No space left on device; free space"),
    (OSError(errno.ENOSPC, "No space left on device"), "this machine: No space left on device; free space"),
    (OSError(errno.EACCES, "Permission denied", "x"), "x: Permission denied; give yourself permission"),
    (OSError(errno.EROFS, "Read-only file system", "x"), "x: Read-only file system; choose another folder"),
    (OSError(errno.ENOENT, "No such file or directory", "x"), "x: No such file or directory; it has gone"),
    (OSError(errno.ENAMETOOLONG, "File name too long", "x"), "x: File name too long; choose a shorter name"),
    (OSError(errno.EIO, "Input/output error", "x"), "x: Input/output error; choose another place"),
]


def start_task(monkeypatch: pytest.MonkeyPatch, error: BaseException, command: str = "config") -> None:
    """A command whose task raises `error`."""

    def task(_: object) -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["hsi.task", "scene=synthetic", "hydra.run.dir=here"])
    cli.main(task, command)


@pytest.mark.parametrize(("error", "sentence"), MACHINE, ids=lambda value: type(value).__name__)
def test_what_the_machine_refuses_gets_one_sentence(tmp_path, monkeypatch, capfd, error, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        start_task(monkeypatch, error)
    assert sentence in told(Outcome(2, *capfd.readouterr()))


@pytest.mark.parametrize(
    ("command", "sentence"), [("config", "Interrupted. Rerun the same command"), ("audit", "Interrupted.\n")]
)
def test_an_interruption_gets_one_sentence(tmp_path, monkeypatch, capfd, command, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="130"):
        start_task(monkeypatch, KeyboardInterrupt(), command)
    printed = capfd.readouterr().err
    assert sentence in printed
    assert "Traceback" not in printed


def test_a_reader_that_has_gone_ends_the_command_silently(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "dup2", lambda *_: None)  # the pipe of the tests stays open
    with pytest.raises(SystemExit, match="141"):
        start_task(monkeypatch, BrokenPipeError(errno.EPIPE, "Broken pipe"))
    assert "".join(capfd.readouterr()) == ""


def test_a_fault_of_the_program_stays_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for error in (RuntimeError("a bug"), KeyError("a"), OSError("no number")):
        assert explain(error) is None
        with pytest.raises(type(error)):
            start_task(monkeypatch, error)


def test_a_sentence_is_one_line():
    assert explain(HsiError("a\n  b")) == "a b"
