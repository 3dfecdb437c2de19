"""The pages are followed word for word: commands exist and compose, links lead somewhere, Python runs."""

import argparse
import re
import shlex
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name

import pytest
import torch
from conftest import ROOT
from hydra import compose, initialize_config_dir
from scipy.io import savemat
from spectral import envi

import hsi
from hsi import compare, verify
from hsi.cli import resolvers
from hsi.cli.help import COMMANDS, show_keys
from hsi.config.shipped import CONF
from hsi.recipes import compose_settings, recipe_of
from studies.__main__ import main as studies

CHANGES = "CHANGELOG.md"  # speaks of the past too
PATHS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "data/README.md", ROOT / "studies/README.md"]
PAGES = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in [*PATHS, ROOT / CHANGES]}
PRESENT = {name: text for name, text in PAGES.items() if name != CHANGES}
STARTS = ("hsi ", "python ", "python3 ", "make ", "pip ", "jupyter ")


def blocks(text: str, language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    return [re.sub(r" *\\\n *", " ", block) for block in found] if language == "sh" else found


def commands(text: str) -> list[list[str]]:
    """Commands of shell blocks and of inline code, in words, as ``hsi COMMAND ...`` where they are ours."""
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))
    inline = [code for code in inline if code.startswith(STARTS) and not re.search(r"\b[A-Z]{2,}\b|\.\.\.", code)]
    lines = [line for block in blocks(text, "sh") for line in block.splitlines() if line.strip()]
    found = [shlex.split(part, comments=True) for line in [*lines, *inline] for part in line.split(" && ")]
    return [own(words) for words in found]


def own(words: list[str]) -> list[str]:
    """``python -m hsi.run ...`` as ``hsi run ...``."""
    ours = re.fullmatch(r"python -m hsi\.(\w+)", " ".join(words[:3]))
    return ["hsi", ours[1], *words[3:]] if ours else words


FOUND = {" ".join(words): words for text in PAGES.values() for words in commands(text)}
OURS = {line: words for line, words in FOUND.items() if words[0] == "hsi" and len(words) > 1}
OTHERS = {line: words for line, words in FOUND.items() if line not in OURS}


class ReadError(Exception):
    """The command line has been read."""


@pytest.fixture
def only_read(monkeypatch):
    """Commands end once they have read their command line."""
    parse = argparse.ArgumentParser.parse_args

    def stop(*given, **how):
        parse(*given, **how)
        raise ReadError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)


def overrides(words: list[str]) -> list[str]:
    """Those of a command line; of a sweep's values the first."""
    kept = [word for word in words if word not in ("-m", "--help", "--cfg", "job")]
    kept = [re.sub(r"=range\(.*", "=0", word) for word in kept]
    return [re.sub(r"=([^\[(]*?),.*", r"=\1", word) for word in kept]


@pytest.mark.parametrize("line", OURS)
def test_commands_of_hsi_are_understood(line, only_read, monkeypatch):
    _, command, *rest = OURS[line]
    assert command in {*COMMANDS, "--help", "--version"}
    if not rest:
        return  # the text speaks of the command
    if command in ("compare", "verify"):
        monkeypatch.setattr(sys, "argv", [command, *rest])
        with pytest.raises(ReadError):
            {"compare": compare, "verify": verify}[command].main()
    elif "--keys" in rest:
        assert show_keys(rest, CONF, command)
    elif command in COMMANDS:
        tree, chosen = compose_settings(overrides(rest), COMMANDS[command].config or "config")
        assert command != "run" or recipe_of(tree, chosen["model"])


@pytest.mark.parametrize("line", OTHERS)
def test_other_commands_find_what_they_name(line, only_read):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    match OTHERS[line]:
        case ["make", target, *more] if not more or more[0].startswith(("ARGS=", "PYTHON=")):
            assert f"\n{target}:" in (ROOT / "Makefile").read_text()
        case ["python", "-m", "studies", *words] if words:
            with pytest.raises(ReadError):
                studies(words)
        case ["python", "-m", module, *words] if words:
            with pytest.raises(ReadError):
                resolve_name(f"{module}:main")(words)
        case ["python", "-m", module]:
            assert find_spec(module)
        case ["jupyter", "lab", notebook]:
            assert (ROOT / notebook).is_file()
        case ["pip", "install", "-c", constraints, *rest]:
            assert (ROOT / constraints).is_file()
            assert rest == ["torch"] or rest[0] == "-e"
            assert {extra for word in rest for extra in re.findall(r"\[(\w+)\]", word)} <= {*extras}
        case words:
            assert " ".join(words) in ("python3 -m venv .venv", ". .venv/bin/activate", "hsi")


def test_the_readme_shows_both_ways_to_install():
    readme = commands(PAGES["README.md"])
    wanted = ["make run", "python3 -m venv .venv", "pip install -c constraints.txt torch"]
    for command in [*wanted, "pip install -c constraints.txt -e .", "hsi run"]:
        assert command.split() in readme
    assert len(PAGES["README.md"].splitlines()) <= 120


def folder_of(words: list[str]) -> str:
    """Where ``hsi run WORDS`` writes."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("config", overrides=words, return_hydra_config=True)
    config.hydra.overrides.task = words
    model = config.hydra.runtime.choices.model
    return f"outputs/{config.scene.name}/{model}/{resolvers.folder_name(_root_=config)}"


def test_folders_are_those_of_the_commands_on_the_pages():
    runs = [words[2:] for words in OURS.values() if words[1] == "run" and not any(w.startswith("-") for w in words)]
    known = {folder_of(words) for words in runs}
    named = {name: {*re.findall(r"outputs/\w+/\w+/[\w+.-]+_[0-9a-f]{8}\b", text)} for name, text in PRESENT.items()}
    assert folder_of([]) in named["README.md"]
    assert {name: sorted(folders - known) for name, folders in named.items() if folders - known} == {}


def anchors(path: Path) -> set[str]:
    """Those of the headings of a page, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        place = (ROOT / page).parent / file if file else ROOT / page
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), target


@pytest.mark.parametrize("page", PRESENT)
def test_files_and_names_exist(page):
    for name in re.findall(r"`((?:hsi|docs|conf|notebooks|studies|tests)/[\w./]+)`", PRESENT[page]):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"`(hsi(?:\.\w+)+)", PRESENT[page]):
        assert resolve_name(name), name


@pytest.mark.parametrize("page", PRESENT)
def test_numbers_are_those_of_the_results(page):
    claimed = {*re.findall(r"\d+\.\d+ ± \d+\.\d+", PRESENT[page])} - {"99.75 ± 0.11"}  # of the paper
    measured = [ROOT / "RESULTS.md", *(ROOT / "conf" / "experiment").glob("ip_*.yaml")]  # the recipes say it themselves
    results = "\n".join(path.read_text(encoding="utf-8") for path in measured)
    assert [number for number in sorted(claimed) if number not in results] == []


SMALLER = {
    'hsi.load("indian_pines")': 'hsi.load("synthetic", rows=40, cols=36)',
    "steps=100": "steps=4, patch_size=9",
    'PatchClassifier(model="hybridsn")': 'PatchClassifier(model="hybridsn", steps=4, patch_size=9)',
}


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_python_runs(page, tmp_path, monkeypatch):
    """The blocks one after another, on a small scene, in a folder that holds the files that they name."""
    code = "\n".join(blocks(PAGES[page], "python"))
    for large, small in SMALLER.items():
        code = code.replace(large, small)
    assert '"indian_pines"' not in code
    monkeypatch.chdir(tmp_path)
    scene = hsi.load("synthetic", rows=40, cols=36)
    for name in ("cube.hdr", "next.hdr"):
        envi.save_image(name, scene.cube)
    savemat("gt.mat", {"gt": scene.labels})
    try:
        exec(compile(code, page, "exec"), {})
    finally:
        torch.set_deterministic_debug_mode("default")
    assert (tmp_path / "outputs" / "mine" / "metrics.json").is_file()
