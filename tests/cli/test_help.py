"""What commands say about themselves: the list of commands, --help and --keys, and the comments they are made from."""

import re
import subprocess
import sys
from importlib.util import find_spec

import pytest
from conftest import ROOT

from hsi import __version__
from hsi.__main__ import main
from hsi.cli.help import COMMANDS, WIDTH, answer, help_text, list_commands, show_keys
from hsi.config import explained
from hsi.errors import HsiError

CONF = ROOT / "conf"
GROUPS = sorted(folder.name for folder in CONF.iterdir() if folder.is_dir() and folder.name != "hydra")
OPTIONS = sorted((path.parent.name, path.stem) for group in GROUPS for path in (CONF / group).glob("[!_]*.yaml"))
HYDRA = [name for name, command in COMMANDS.items() if command.config]
WORDS = ["", *GROUPS, *(f"{group}={name}" for group, name in OPTIONS), "seed", "train.steps"]
HIGHEST = 40  # lines of a screen


def require_plain(text: str) -> None:
    assert text.endswith("\n")
    assert max(map(len, text.splitlines())) <= WIDTH
    assert all(line == line.rstrip() for line in text.splitlines())
    assert not re.search(r"_target_(?!=<required>|=my_models)|_partial_|\$\{|\?\?\?", text)


def python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)


# the list of commands


def test_the_list_names_every_command_and_no_other():
    begun_by_name = {path.stem for path in (ROOT / "hsi").glob("[!_]*.py") if "__main__" in path.read_text()}
    begun_by_name |= {path.parent.name for path in (ROOT / "hsi").glob("*/__main__.py")}
    assert set(COMMANDS) == begun_by_name
    for name, command in COMMANDS.items():
        assert find_spec(f"hsi.{name}")
        assert f"\n  {name:<8} {command.summary}\n" in list_commands()


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_without_a_command_they_are_listed(words, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["hsi", *words])
    main()
    assert capsys.readouterr().out == list_commands()
    require_plain(list_commands())


def test_the_version_is_printed(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["hsi", "--version"])
    main()
    assert capsys.readouterr().out == f"hsi {__version__}\n"


def test_an_unknown_command_gets_the_nearest(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["hsi", "comparr", "outputs"])
    with pytest.raises(SystemExit) as leaving:
        main()
    assert leaving.value.code == 2
    assert capsys.readouterr().err == "Error: there is no command comparr: did you mean compare?\n"


def test_the_list_needs_neither_torch_nor_hydra():
    done = python("-c", "import sys, hsi.__main__ as m; sys.argv[1:] = []; m.main(); print(sorted(sys.modules))")
    assert done.returncode == 0, done.stderr
    assert "'yaml'" in done.stdout
    assert not re.search(r"'(torch|hydra|numpy|pandas)'", done.stdout)


def test_a_command_does_what_its_module_does(hsi_run):
    words = ["--cfg", "job", "experiment=trial", "+attention=se"]
    by_name, as_module = python("-m", "hsi", "run", *words), hsi_run(*words)
    assert (by_name.returncode, by_name.stdout) == (0, as_module.out)
    assert "reduction: 16" in by_name.stdout


def test_the_exit_status_of_a_command_is_kept():
    done = python("-m", "hsi", "verify", "nowhere")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: nowhere")


# --help


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_screen(command):
    text = help_text(command, CONF)
    require_plain(text)
    assert text.count("\n") <= HIGHEST
    assert all(example in text for example, _ in COMMANDS[command].examples)


@pytest.mark.parametrize("command", HYDRA)
def test_help_names_every_key_of_the_command(command):
    config = COMMANDS[command].config
    groups = explained.read_groups(CONF, config)
    own = [key for key in explained.read_command(CONF, config, inherited=False) if key.split(".")[0] not in groups]
    assert own
    assert all(f"\n  {name}=" in help_text(command, CONF) for name in own)


def test_help_of_run_lists_the_groups():
    text = help_text("run", CONF)
    for group in GROUPS:
        sign = "+" if group == "attention" else ""
        assert f"\n  {sign}{group} " in text


@pytest.mark.parametrize("command", HYDRA)
def test_help_is_answered_before_the_work(command):
    config = COMMANDS[command].config
    assert answer(["seed=1", "--help"], config, CONF) == answer(["-h"], config, CONF) == help_text(command, CONF)
    word = "scene" if explained.read_groups(CONF, config) else "format"
    assert answer(["--keys", word], config, CONF) == show_keys(["--keys", word], CONF, command)
    assert answer(["--keys"], config, CONF) == show_keys(["--keys"], CONF, command)
    assert answer(["seed=1", "-m", "--cfg", "job"], config, CONF) is None
    assert answer(["--help"], "of_another_package", CONF) is None


# --keys


@pytest.mark.parametrize("word", WORDS)
def test_keys_are_shown_in_plain_words(word):
    text = show_keys(["--keys", *word.split()], CONF)
    require_plain(text)
    assert text == show_keys([f"--keys={word}"] if word else ["--keys"], CONF)


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_lists_its_options_with_a_line_each(group):
    lines = show_keys(["--keys", group], CONF).splitlines()
    for name in (name for other, name in OPTIONS if other == group):
        assert sum(re.match(rf"  {re.escape(name)} +\S", line) is not None for line in lines) == 1


def test_inherited_keys_are_shown_with_the_values_of_the_option():
    text = show_keys(["--keys", "train=few_labels"], CONF)
    default = explained.read_keys(CONF, "train", "default").keys
    assert all(f"\n  {name}=" in text for name in default)
    assert "train.steps=300" in text
    assert default["train.steps"].explanation in text


def test_keys_that_another_group_explains():
    text = show_keys(["--keys", "experiment=hybridsn_paper"], CONF)
    assert explained.read_keys(CONF, "train", "default").keys["train.epochs"].explanation in text
    assert "\n  optimizer=adam\n" in text


def test_several_words_are_answered_in_turn():
    both = show_keys(["--keys", "train", "seed"], CONF)
    assert both == show_keys(["--keys", "train"], CONF) + "\n" + show_keys(["--keys", "seed"], CONF)


@pytest.mark.parametrize(
    ("word", "nearest"),
    [
        ("modle", "did you mean model?"),
        ("model=hybridsm", "did you mean hybridsn?"),
        ("sede", "did you mean seed?"),
        ("train.step", "did you mean train.steps?"),
        ("../hsi", "known are scene, "),
        ("model=../model/ssrn", "known are a2s2k_resnet, "),
    ],
)
def test_unknown_words_get_the_nearest(word, nearest):
    with pytest.raises(HsiError) as refusal:
        show_keys(["--keys", word], CONF)
    assert nearest in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_without_the_question_there_is_no_answer():
    assert show_keys(["model=ssrn", "seed=1"], CONF) is None


# the comments


@pytest.mark.parametrize(("group", "name"), OPTIONS)
def test_every_key_of_an_option_is_explained(group, name):
    option = explained.read_keys(CONF, group, name)
    assert option.header
    inside = {".".join(key.split(".")[:-1]) for key, found in option.keys.items() if found.explanation}
    unexplained = [key for key, found in option.keys.items() if not found.explanation]
    # files of a published scene are listed within a block that is explained as a whole
    assert [key for key in unexplained if not (group == "scene" and key.rpartition(".")[0] in inside)] == []


@pytest.mark.parametrize("command", HYDRA)
def test_every_key_and_group_of_a_command_is_explained(command):
    keys = explained.read_command(CONF, COMMANDS[command].config)
    groups = explained.read_groups(CONF, COMMANDS[command].config)
    assert [key.name for key in keys.values() if not key.explanation] == []
    assert [group.name for group in groups.values() if not group.explanation] == []


def test_every_group_is_known_to_run():
    groups = explained.read_groups(CONF)
    assert sorted(groups) == GROUPS
    assert groups["model"].default == "hybridsn"
    assert groups["attention"].added
    assert groups["experiment"].default is None


BASE = """\
# A base. It is read
# first.
_target_: hsi.something
steps: 100 # how long
           # it takes
words: "a # b" # with a sign
# Above: two lines
# of it.
pair: [1,
  2]
block: # opened
  inner: null # within
data: # names
  One: "#ffffff"
silent: 3

# apart

lonely: ${seed} # of the draw
"""

CHILD = """\
# @package _global_.other
# A child (Hu et al. 2018): inherits. More.
defaults:
  - _base
  - override /model@_global_.model: lenet # brings it
  - _self_
steps: 7
lonely: ${hsi.window:9}
required: ??? # by all
"""


@pytest.fixture
def small(tmp_path):
    (tmp_path / "config.yaml").write_text(
        "# All.\ndefaults:\n  - stage: child # the stage\n  - model: null\n  # +extra: added\n"
        "seed: 0 # of all\nstage:\n  shared: 1 # by all stages\n  silent: 2 # little\nhydra:\n  job: x\n"
    )
    for name, text in {
        "stage/_base": BASE,
        "stage/child": CHILD,
        "model/lenet": "# LeNet.\n_target_: ??? # whose\n",
        "extra/a": "# A.\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def test_comments_are_read_from_any_folder(small):
    found = explained.read_option(small / "stage" / "_base.yaml")
    assert found.header == ("A base. It is read first.",)
    assert {key.name: (key.value, key.explanation) for key in found.keys.values()} == {
        "steps": ("100", "how long it takes"),
        "words": ('"a # b"', "with a sign"),
        "pair": ("[1, 2]", "Above: two lines of it."),
        "block.inner": ("null", "within"),
        "data": ('{One: "#ffffff"}', "names"),
        "silent": ("3", ""),
        "lonely": ("${seed}", "of the draw"),
    }


def test_what_an_option_inherits_keeps_its_explanation(small):
    found = explained.read_keys(small, "stage", "child")
    assert found.chosen == {("model", "lenet"): "brings it"}
    assert found.keys["_global_.other.steps"] == explained.Key("_global_.other.steps", "7", "how long it takes")
    assert next(iter(found.keys)) == "_global_.other.steps"
    assert found.keys["_global_.other.lonely"].explanation == "of the draw"


def test_a_small_configuration_is_described(small):
    groups = explained.read_groups(small)
    assert groups["stage"] == explained.Group("stage", "the stage", "child")
    assert groups["model"] == explained.Group("model", "", None)
    assert groups["extra"] == explained.Group("extra", "added", None, added=True)
    assert explained.read_options(small, "stage") == {"child": "A child (Hu et al. 2018): inherits"}
    assert list(explained.read_command(small)) == ["seed", "stage.shared", "stage.silent"]
    with pytest.raises(HsiError, match=r"there is no stage=_base: known are child"):
        explained.read_keys(small, "stage", "_base")


def test_keys_that_all_options_share_are_shown_with_each(small):
    (small / "stage" / "plain.yaml").write_text("# Plain.\nown: 1 # its\nsilent: 3\n")
    plain = "Plain.\n\nKeys\n  stage.own=1     its\n  stage.silent=3  little\n  stage.shared=1  by all stages\n"
    assert show_keys(["--keys", "stage=plain"], small) == plain
    assert "\n  seed=0  of all\n" in show_keys(["--keys"], small)
    assert "stage.shared" not in show_keys(["--keys"], small)


def test_a_target_that_the_user_gives_is_a_key(small):
    assert show_keys(["--keys", "model=lenet"], small) == "LeNet.\n\nKeys\n  model._target_=<required>  whose\n"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0.5", "0.5"),
        ("???", "<required>"),
        ("${seed}", "<seed>"),
        ("${hsi.window:25}", "25"),
        ("${oc.env:HSI_DATA_DIR,data}", "<HSI_DATA_DIR or data>"),
        ("${oc.select:model.patch_size,${patch_size}}", "<model.patch_size>"),
    ],
)
def test_interpolations_are_put_into_words(value, shown):
    assert explained.plain_value(value) == shown
