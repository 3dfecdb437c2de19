"""A user's own model, as docs/adding_a_model.md teaches it: it trains, and predicts for who trusts it by name."""

import ast
import json
import re
import sys
from functools import cache

import numpy as np
import pytest
from commands import Commands, watched
from conftest import ROOT

from hsi.config.saved import vet
from hsi.config.shipped import PUBLISHED, targets
from hsi.errors import HsiError

PAGE = (ROOT / "docs" / "adding_a_model.md").read_text()
WORDS = ["experiment=trial", "train.steps=2", "scene.rows=24", "scene.cols=24", "hydra.run.dir=trained"]


@pytest.fixture
def commands(hsi_run, tmp_path, monkeypatch, capfd, caplog):
    """A run of the page's first, plain module."""
    (tmp_path / "my_net.py").write_text(re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)[0])
    monkeypatch.syspath_prepend(tmp_path)  # as python -m does with the current directory
    outcome = hsi_run("model=custom", "model._target_=my_net.Net", "+model.width=8", *WORDS)
    assert outcome.status == 0, outcome.err
    np.save("cube.npy", np.random.default_rng(0).integers(0, 5000, (20, 22, 60)).astype(np.uint16))
    return Commands(monkeypatch, capfd, caplog)


def test_it_predicts_with_trust_and_not_without(commands, tmp_path):
    for word in ([], ["trust=my_net"], ["trust=[my_net.Other]"]):
        status, told = commands.predict("trained", "accept_range=true", *word)
        assert status == 2
        assert "asks to call my_net.Net as its model" in told
        assert "trust=my_net.Net" in told
        assert not (tmp_path / "there/map.npy").exists()
    for word in ("trust=my_net.Net", "trust=[my_net.Net]"):
        status, told = commands.predict("trained", "accept_range=true", word)
        assert status == 0, told
        assert json.loads((tmp_path / "there/prediction.json").read_text())["trust"] == ["my_net.Net"]
        assert np.load("there/map.npy").shape == (20, 22)


def test_nothing_of_it_is_imported_without_trust(commands):
    """Importing is running: the module's own lines must not run either."""
    sys.modules.pop("my_net")
    assert commands.predict("trained", "accept_range=true")[0] == 2
    assert "my_net" not in sys.modules


def test_it_is_verified_with_trust_and_not_without(commands):
    """The network is built again for it."""
    sys.modules.pop("my_net")
    status, told = commands.verify("trained")
    assert status == 2
    assert "asks to call my_net.Net as its model" in told
    assert "my_net" not in sys.modules
    assert commands.verify("trained", "--trust", "my_net.Net")[0] == 0


def test_it_is_compared_without_trust(commands):
    """No network is needed."""
    status, told = commands.compare("trained")
    assert status == 0
    assert "cannot be loaded" not in told


def test_a_scene_of_ones_own_needs_trust_too(commands, tmp_path):
    """A loader of the user's, in the place of ours."""
    (tmp_path / "my_scenes.py").write_text("from hsi.scenes.synthetic import make_synthetic as made\n")
    path = tmp_path / "trained/.hydra/config.yaml"
    path.write_text(path.read_text().replace("hsi.scenes.synthetic.make_synthetic", "my_scenes.made"))
    assert commands.verify("trained")[0] == 2
    assert "config.yaml was changed after the run" in commands.verify("trained", "--trust", "my_scenes.made")[1]
    assert "cannot be loaded" in commands.compare("trained")[1]
    status, told = commands.compare("trained", "--trust", "my_scenes.made")
    assert status == 0
    assert "cannot be loaded" not in told


GROUPS = ("scene", "model", "attention", "engine", "map")
FOREIGN = [
    *("os.system", "os.popen", "posix.system", "subprocess.run", "subprocess.check_output", "pty.spawn"),
    *("eval", "exec", "builtins.eval", "builtins.exec", "builtins.compile", "builtins.open", "builtins.__import__"),
    *("hydra.utils.instantiate", "hydra.utils.call", "hydra.utils.get_object", "hydra.utils.get_method"),
    *("hydra._internal.utils._locate", "omegaconf.OmegaConf.register_new_resolver", "omegaconf.OmegaConf.load"),
    *("pickle.load", "pickle.loads", "torch.load", "torch.hub.load", "numpy.load", "joblib.load", "marshal.loads"),
    *("pandas.read_pickle", "pandas.eval", "pandas.DataFrame.query", "yaml.unsafe_load", "shelve.open"),
    *("importlib.import_module", "runpy.run_path", "runpy.run_module", "pydoc.locate", "pkgutil.resolve_name"),
    *("functools.partial", "functools.reduce", "operator.methodcaller", "operator.attrgetter", "types.FunctionType"),
    *("ctypes.CDLL", "code.interact", "timeit.timeit", "cProfile.run", "pdb.run", "webbrowser.open", "antigravity"),
    *("pathlib.Path.unlink", "pathlib.Path.write_text", "shutil.rmtree", "socket.socket", "urllib.request.urlopen"),
    *("torch.ops.load_library", "torch.utils.cpp_extension.load", "numpy.f2py.compile", "scipy.io.loadmat"),
    # by way of what may be called
    "hsi.models.lenet.lenet.__globals__",
    "hsi.models.lenet.lenet.__class__",
    "hsi.models.lenet.lenet.__call__",
    "hsi.models.lenet.lenet.__init_subclass__",
    "hsi.models.lenet.__builtins__.eval",
    "hsi.models.lenet.__loader__.load_module",
    "hsi.models.lenet.nn.Module.load_state_dict",
    "hsi.scenes.custom.load_custom.__wrapped__",
    # names that look like one that may be called
    "hsi.models.lenet.lenet ",
    " hsi.models.lenet.lenet",
    "hsi.models.lenet.lenet\n",
    "hsi.models.lenet.lenet\0",
    "hsi.models.lenet.lenet.",
    ".hsi.models.lenet.lenet",
    "hsi..models.lenet.lenet",
    "hsi.models.lenet:lenet",
    "hsi/models/lenet/lenet",
    "HSI.models.lenet.lenet",
    "hsi.models.lenet.LeNet",
    "hsi.models.lenet",
    "hsi.models.lеnet.lenet",  # with a Cyrillic letter
    "lenet",
    "",
]


@cache
def names_of_hsi() -> list[str]:
    """Every function, class, method and import of every module, by its dotted name; nothing is imported for it."""
    found = []
    for path in sorted((ROOT / "hsi").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                found += [f"{module}.{alias.asname or alias.name}" for alias in node.names]
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.append(f"{module}.{node.name}")
                inner = node.body if isinstance(node, ast.ClassDef) else []
                found += [f"{found[-1]}.{each.name}" for each in inner if isinstance(each, ast.FunctionDef)]
    return found


@pytest.mark.parametrize("group", GROUPS)
def test_foreign_code_is_refused_in_whatever_form_it_comes(group):
    """As the stage itself, in its attention, among its values, and with the words of Hydra: nothing is imported."""
    loaded = set(sys.modules)
    allowed = sorted(targets(group))[0]
    with watched():
        for name in FOREIGN:
            forms = [{"_target_": name}, {"_target_": name, "_partial_": True}, {"_target_": [name]}]
            forms += [
                {"_target_": allowed, "x": {"_target_": name}},
                {"_target_": allowed, "x": [[{"_target_": name}]]},
            ]
            forms += [{"_target_": {"_target_": name}}, {"_target_": allowed, "x": {"y": {"_target_": name}}}]
            forms += [{"_target_": name, "_args_": ["touch x"]}, {"_target_": name, "_recursive_": False}]
            forms += [{"_target_": allowed, word: name} for word in ("_args_", "_recursive_", "_call_", "__class__")]
            forms += [{"_target_": allowed, "x": "${oc.env:" + name + "}"}, {"_target_": allowed, ("_target_",): name}]
            for form in forms:
                with pytest.raises(HsiError):
                    vet(form, group, "here")
        for attention in FOREIGN:
            with pytest.raises(HsiError):
                vet({"_target_": "hsi.models.hybridsn.hybridsn", "attention": {"_target_": attention}}, "model", "here")
    assert set(sys.modules) == loaded


@pytest.mark.parametrize("group", GROUPS)
def test_of_all_names_in_hsi_those_of_a_group_pass_and_no_other(group):
    passed, every = set(), names_of_hsi()
    for name in every:
        try:
            passed.add(vet({"_target_": name}, group, "here")["_target_"])
        except HsiError as error:
            assert "asks to call" in str(error) or "other files or addresses" in str(error)  # noqa: PT017
    assert len(every) > 1000
    assert passed == {name for name in targets(group) if "." in name} - {PUBLISHED}  # which also wants known files
