"""Runs whose author wants code to run, files to be read elsewhere, or no end: the scene in .hydra/config.yaml.

Each attack changes a run that verifies and predicts. The ways to open it then answer in a sentence, or as if it had
not been changed, and call nothing: `commands.answers` looks on.
"""

import os
import pickle
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from commands import CONFIG, LONG, MARK, Payload, answers, hostile, instead, watched

from hsi.config.shipped import published_scenes


@pytest.fixture
def commands(tmp_path, monkeypatch, capfd, caplog):
    return hostile(tmp_path, monkeypatch, capfd, caplog)


def test_the_payload_would_run():
    with pytest.raises(AssertionError, match="find_class"), watched():
        pickle.loads(pickle.dumps(Payload()))
    assert MARK.exists()
    MARK.unlink()


def test_what_was_not_changed_is_opened(commands):
    found = answers(commands, "predict", "verify", "compare", "loader")
    assert [status for status, _ in found.values()] == [0, 0, 0, 0]


def scene(**changes) -> Callable[[], None]:
    """Another description of the scene; None takes a key out."""

    def attack() -> None:
        tree = yaml.safe_load(CONFIG.read_text())
        tree["scene"] = {key: value for key, value in (tree["scene"] | changes).items() if value is not None}
        CONFIG.write_text(yaml.safe_dump(tree))

    return attack


def only(**description) -> Callable[[], None]:
    """A description with nothing of the old one."""

    def attack() -> None:
        tree = yaml.safe_load(CONFIG.read_text()) | {"scene": description}
        CONFIG.write_text(yaml.safe_dump(tree))

    return attack


def raw(text: str | bytes) -> Callable[[], None]:
    """A configuration of other content, in which {rest} is all but the scene."""

    def attack() -> None:
        tree = yaml.safe_load(CONFIG.read_text())
        del tree["scene"]
        content = text.replace("{rest}", yaml.safe_dump(tree)) if isinstance(text, str) else text
        CONFIG.write_bytes(content.encode() if isinstance(content, str) else content)

    return attack


def call(name: str, /, **values) -> Callable[[], None]:
    return only(_target_=name, **values)


def published(**changes) -> Callable[[], None]:
    def attack() -> None:
        known = dict(published_scenes()["indian_pines"])
        part = known["cube"] | {key: value for key, value in changes.items() if key in known["cube"]}
        own = {key: value for key, value in changes.items() if key not in known["cube"]}
        only(**known | {"cube": part, "data_dir": "."} | own)()

    return attack


LAUGHS = "a: &a [lol, lol]\n" + "\n".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in pairwise("abcdefghi"))
LOAD = "_target_: hsi.scenes.custom.load_custom\n  cube: cube.npy\n  labels: labels.npy\n  name: field\n"

SCENES = {
    # the exploit of old, in two steps: a pickle lies in the folder, the configuration names who opens it
    "a pickle by pandas": (call("pandas.read_pickle", filepath_or_buffer="network/evil.pkl"), "asks to call"),
    "through a module of ours": (
        call("hsi.files.pd.read_pickle", filepath_or_buffer="network/evil.pkl"),
        "asks to call",
    ),
    "through an old name": (call("hsi.bundle.pd.read_pickle", filepath_or_buffer="network/evil.pkl"), "asks to call"),
    "torch.load": (call("hsi.runs.model.torch.load", f="network/evil.pkl", weights_only=False), "asks to call"),
    "numpy.load": (call("hsi.files.np.load", file="network/evil.npy", allow_pickle=True), "asks to call"),
    "a shell": (call("hsi.files.os.system", command="touch 'the pickle has run'"), "asks to call"),
    "a process": (call("subprocess.Popen", args=["touch", str(MARK)]), "asks to call"),
    "eval": (call("builtins.eval", source="open('the pickle has run', 'w')"), "asks to call"),
    "our own builder": (call("hsi.config.build.build", description={}, key="scene"), "asks to call"),
    "Hydra's builder": (call("hydra.utils.instantiate", config={}), "asks to call"),
    "a writer of ours": (call("hsi.files.write", path=str(MARK), content=""), "asks to call"),
    "a downloader of ours": (call("hsi.scenes.download.fetch", file="x", sources=["https://a.b/c"]), "asks to call"),
    "another group's callable": (call("hsi.models.hybridsn.hybridsn", in_channels=1, num_classes=2), "asks to call"),
    "a name with a line and a colour": (call("os.system\n\x1b[31m" + LONG), "asks to call os.system [31mxxx"),
    "a name in a list": (only(_target_=["pandas.read_pickle"]), "does not describe the scene"),
    "no name": (scene(_target_=None), "does not describe the scene"),
    "a list for a scene": (raw("scene: [1]\n{rest}"), "does not describe the scene"),
    "_args_": (scene(_args_=["cube.npy", "labels.npy"]), "has the key _args_"),
    "_recursive_": (scene(_recursive_=False), "has the key _recursive_"),
    "_convert_": (scene(_convert_="object"), "has the key _convert_"),
    "_partial_": (scene(_partial_=True), "has the key _partial_"),
    "_partial_ in a word": (scene(_partial_="true"), "has the key _partial_"),
    "_mode_": (scene(_mode_="call"), "has the key _mode_"),
    "a name among the classes": (scene(classes={"_target_": "os.getcwd"}), "has the key _target_"),
    "a name in a list of lists": (scene(classes=[[{"_target_": "os.getcwd"}]]), "has the key _target_"),
    "a name for a wavelength": (scene(wavelengths={"a": [{"_target_": "os.getcwd"}]}), "has the key _target_"),
    "a key that is no string": (raw(f"scene:\n  {LOAD}  3: x\n{{rest}}"), "has the key 3"),
    "a key that is null": (raw(f"scene:\n  {LOAD}  ~: x\n{{rest}}"), "has the key None"),
    "a key that is a list": (raw(f"scene:\n  {LOAD}  ? [a, b]\n  : x\n{{rest}}"), "cannot be read"),
    "a resolver of the environment": (scene(cube="${oc.env:HOME}"), "which no run writes"),
    "a resolver that decodes": (scene(cube="${oc.decode:'{_target_: os.getcwd}'}"), "which no run writes"),
    "a resolver of ours": (scene(cube="${hsi.sweep:[a]}"), "which no run writes"),
    "a resolver within one": (scene(cube="${oc.select:${oc.env:HOME}}"), "which no run writes"),
    "a part of a value": (scene(cube="${data_dir}/x.npy"), "which no run writes"),
    "a reference in a key": (scene(classes={"${oc.env:HOME}": "#000000"}), "refers to something else"),
    "a reference for a key": (scene(**{"${seed}": "x"}), "has the key ${seed}"),
    "a reference to the scene": (scene(cube="${scene}"), "no single value"),
    "a circle": (scene(cube="${scene.cube}"), "in a circle"),
    "a circle of windows": (
        raw("patch_size: [" + ", ".join(["'${hsi.window:1}'"] * 30) + f"]\nscene:\n  {LOAD}"),
        "no single value",
    ),
    "a tag that calls": (raw("scene: !!python/object/apply:os.system ['touch x']\n{rest}"), "tags"),
    "a tag of a name": (raw("scene: !!python/name:os.system\n{rest}"), "tags"),
    "a tag of a module": (raw("scene:\n  name: !!python/module:os\n{rest}"), "tags"),
    "a tag that yaml stumbles on": (raw("scene: !!bool maybe\n{rest}"), "tags"),
    "another that it stumbles on": (raw("scene: !!timestamp never\n{rest}"), "tags"),
    "a set": (raw("scene: !!set {a, b}\n{rest}"), "tags"),
    "a billion laughs": (raw(LAUGHS), "anchors"),
    "an anchor": (raw("scene: &here {a: 1}\n{rest}"), "anchors"),
    "a circle of anchors": (raw("scene: &here [*here]\n{rest}"), "anchors"),
    "a merge": (raw("scene:\n  <<: *nowhere\n{rest}"), "anchors"),
    "a merge of a number": (raw("scene:\n  <<: 3\n{rest}"), "cannot be read"),
    "a date": (raw(f"scene:\n  {LOAD}  invalid: 2001-01-01\n{{rest}}"), "has a date"),
    "no date": (raw(f"scene:\n  {LOAD}  invalid: 2001-99-01\n{{rest}}"), "cannot be read"),
    "a number that takes its time": (raw("scene: 1" + ":59" * 30_000 + "\n{rest}"), "more than 18 digits"),
    "brackets": (raw("[" * 20_000), "cannot be read"),
    "values nested deep": (raw("scene: " + "{a: " * 60 + "1" + "}" * 60 + "\n{rest}"), "nests too deep"),
    "a large file": (raw("scene: {}\n" + "# \n" * 100_000), "more than the"),
    "zero bytes": (raw(b"\0" * 100), "cannot be read"),
    "half of UTF-16": (raw(b"\xff\xfes\0c"), "cannot be read"),
    "no UTF-8": (raw(b"scene: \xff\xff"), "cannot be read"),
    "nothing": (raw(b""), "no configuration"),
    "two names, the second hostile": (
        raw(f"scene:\n  {LOAD}  _target_: os.getcwd\n{{rest}}"),
        "asks to call os.getcwd",
    ),
    "a pipe for the configuration": (instead(CONFIG, os.mkfifo), "does not exist"),
    "a device for the configuration": (instead(CONFIG, lambda path: path.symlink_to("/dev/zero")), "does not exist"),
    "a folder for the configuration": (instead(CONFIG, Path.mkdir), "does not exist"),
    "other sources": (published(sources=["https://example.org/x.mat"]), "nothing was fetched"),
    "no checksum": (published(checksum=None), "nothing was fetched"),
    "a file elsewhere": (published(file="../../x.mat"), "nothing was fetched"),
    "a published scene that there is not": (published(name="../../x"), "nothing was fetched"),
    "a published scene without a name": (published(name={"a": "b"}), "nothing was fetched"),
    "a cube of pickles": (scene(cube="network/evil.npy"), "pickled objects"),
    "a cube that is a pickle": (scene(cube="network/evil.pkl"), "a format that is not read"),
    "a device for a cube": (scene(cube="/dev/zero"), "no file"),
    "a long name": (scene(cube=LONG + ".npy"), "cannot be loaded"),
    "a name with a zero byte": (scene(cube="a\0b.npy"), "is no file"),
    "a stranger's home": (scene(cube="~nobody_has_this_name/x.npy"), "cannot be loaded"),
    "a cube that is a list": (scene(cube=["a", "b"]), "scene.cube"),
    "colours that are none": (scene(classes={"a": "url(x)", "b": "#0", "c": "red"}), "is no colour"),
    "labels that are words": (scene(ignored_labels=["a"]), "scene.ignored_labels"),
    "wavelengths that are none": (scene(wavelengths=[float("nan")] * 20), "scene.wavelengths"),
    "a name that is none": (scene(name={"a": "b"}), "scene.name"),
    "a parameter that is none": (scene(allow_pickle=True), "unknown key scene.allow_pickle"),
    "a scene without end": (
        call("hsi.scenes.synthetic.make_synthetic", rows=10**6, cols=10**6, bands=10**6),
        "more than is generated",
    ),
    "bands without end": (
        call("hsi.scenes.synthetic.make_synthetic", rows=9, cols=9, bands=10**12),
        "more than is generated",
    ),
}


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_that_asks_for_more_is_refused(commands, name):
    attack, reason = SCENES[name]
    attack()
    found = answers(commands, "verify", "compare", "loader")
    assert found["verify"][0] == found["loader"][0] == 2
    for status, told in found.values():
        assert reason in " ".join(told.split())
        assert status == 2 or "Tests on pixels and votes are left out" in told  # the tables need no scene


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_another_encoding_changes_nothing(commands, encoding):
    CONFIG.write_bytes(CONFIG.read_text().encode(encoding))
    found = answers(commands, "verify", "compare", "loader")
    assert [status for status, _ in found.values()] == [0, 0, 0]


def test_of_two_names_the_last_counts_and_the_first_is_not_called(commands):
    CONFIG.write_text(CONFIG.read_text().replace("scene:\n", "scene:\n  _target_: os.getcwd\n", 1))
    assert answers(commands, "verify")["verify"][0] == 0


def test_a_folder_that_the_run_names_is_not_fetched_to(commands, tmp_path, monkeypatch):
    """One of two files lies there, so that it looks like the data folder; the other would be written beside it."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "Indian_pines_corrected.mat").write_bytes(b"")
    monkeypatch.setenv("HSI_DATA_DIR", str(tmp_path / "mine"))
    asked = []
    monkeypatch.setattr("hsi.scenes.published.obtain", lambda *words: asked.append(words[3]) or Path("no.mat"))
    published(data_dir=str(tmp_path / "elsewhere"))()
    answers(commands, "verify")
    assert asked == [tmp_path / "mine"] * 2
