"""The tables of a paper: what stands in them, what is bold, and that LaTeX takes them, whatever classes are called."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from compared_runs import SCENE, write_maps, write_position
from written_runs import write_run

from hsi import files
from hsi.comparison.methods import name_methods
from hsi.comparison.paper import Row
from hsi.comparison.report import compare
from hsi.config.shipped import CONF, title
from hsi.errors import HsiError
from hsi.evaluation.metrics import score
from hsi.evaluation.statistics import spread
from hsi.reports.markup import latex, markdown
from hsi.scenes.synthetic import make_synthetic
from hsi.splits.nearest import nearest_classes
from hsi.splits.roles import Split

HOSTILE = [
    *(
        "a_b",
        "50 % cut",
        "R&D",
        "$x^2$",
        r"back\slash",
        r"\input{/etc/passwd}",
        "{brace",
        "#1",
        "~tilde",
        "[4cm]",
        "*star",
    ),
    *('quo"te', "<i>tag</i>", "pipe|d", "–κ×±", "`tick`"),
]
PAPER = {"paper.md", "paper.tex", "paper.csv", "methods.md", "methods.tex", "references.bib"}
MISSING = "LaTeX with the packages booktabs and siunitx is not installed"
HAS_LATEX = (
    bool(shutil.which("pdflatex"))
    and not subprocess.run(["kpsewhich", "siunitx.sty", "booktabs.sty"], capture_output=True).returncode
)


def change(folder: Path, **values: object) -> None:
    """Exchange values in metrics.json."""
    path = folder / "metrics.json"
    files.write_json(path, files.read_json(path) | values)


def read_markdown(path: Path) -> tuple[list[str], dict[str, list[str]]]:
    """The columns of the first table, and its rows by their first cells."""
    lines = path.read_text().split("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines if "---" not in line]
    return cells[0], {row[0]: row[1:] for row in cells[1:]}


def cells_of(line: str) -> list[str]:
    """The cells of a row in LaTeX."""
    return re.split(r"(?<!\\)&", line)


def test_what_stands_in_the_table(tmp_path):
    """Three models by hand: means and deviations in percent, position and SVM first, the best as printed in bold."""
    for model, values in {"ssrn": (0.90, 0.92), "svm": (0.80, 0.82), "hybridsn": (0.910001, 0.91)}.items():
        for seed, oa in enumerate(values):
            folder = write_run(tmp_path / f"{model}{seed}", model=model, seed=seed, split=str(seed), oa=oa)
            write_position(folder, 0.7, -3.0)
            change(folder, per_class_support={"class 1": 10, "class 2": 0, "class 3": 8 + seed}, n_train=30, n_test=70)
    compare([path.parent for path in sorted(tmp_path.glob("*/metrics.json"))], tmp_path / "out")
    columns, rows = read_markdown(tmp_path / "out/paper.md")
    assert columns == ["Class", "Train", "Test", "Position", "SVM (RBF)", "HybridSN", "SSRN"]
    sd = f"{np.std([90, 92], ddof=1):.2f}"
    assert rows["OA"] == ["30", "70", "70.00 ± 0.00", f"81.00 ± {sd}", "**91.00 ± 0.00**", f"**91.00 ± {sd}**"]
    assert rows["κ × 100"][2:] == ["–", f"71.00 ± {sd}", "**81.00 ± 0.00**", f"**81.00 ± {sd}**"]
    assert rows["class 1"] == ["–", "10", "–", f"81.00 ± {sd}", "**91.00 ± 0.00**", f"**91.00 ± {sd}**"]
    assert rows["class 2"] == ["–", "0", "–", "–", "–", "–"]  # nothing tested it
    assert rows["class 3"][:2] == ["–", "8–9"]
    table = pd.read_csv(tmp_path / "out/paper.csv").set_index("class")
    assert table.loc["AA", "SSRN mean"] == pytest.approx(90)
    assert table.loc["AA", "SSRN sd"] == pytest.approx(2**0.5)
    written = (tmp_path / "out/paper.md").read_text()
    assert "of 2 runs" in written
    assert "| HybridSN – SSRN" in written


def test_pixels_and_position_come_from_scene_and_split(tmp_path):
    scene = make_synthetic(**SCENE)
    role = np.where(scene.labels > 0, 3, 0).astype(np.uint8)
    role[::3][scene.labels[::3] > 0] = 1
    split = Split(role)
    write_maps(write_run(tmp_path / "a", seed=0, oa=0.9), scene, 0.1, 0, split)
    compare([tmp_path / "a"], tmp_path)
    _, rows = read_markdown(tmp_path / "paper.md")
    test = role == 3
    by_hand = score(scene.labels[test], nearest_classes(split, scene.labels, test)[test], scene.class_names)
    for number, name in enumerate(scene.class_names, start=1):
        mine = scene.labels == number
        assert rows[name][:2] == [str((mine & (role == 1)).sum()), str((mine & test).sum())]
        assert rows[name][2].strip("*") == f"{100 * by_hand.per_class.loc[name, 'recall']:.2f}"
    assert rows["κ × 100"][2].strip("*") == f"{100 * by_hand.kappa:.2f}"


def test_a_run_of_position_is_the_column_of_position(tmp_path):
    for model in ("svm", "position"):
        write_position(write_run(tmp_path / model, model=model, seed=0, oa=0.9), 0.7, None)
    compare([tmp_path / "svm", tmp_path / "position"], tmp_path)
    columns, rows = read_markdown(tmp_path / "paper.md")
    assert columns[3:] == ["Position", "SVM (RBF)"]
    assert rows["OA"][2:] == ["**90.00**", "**90.00**"]


def test_ties_are_ties_of_what_is_printed():
    row = Row("OA", "", "", {"a": spread([90.001]), "b": spread([90.004]), "c": spread([89.994])})
    assert row.best == {"a", "b"}
    assert Row("OA", "", "", {}).best == set()


def test_scenes_stand_in_one_table_and_compare_by_themselves(tmp_path):
    for scene, model in (("pavia_u", "svm"), ("mine", "svm"), ("mine", "ssrn")):
        write_run(tmp_path / scene / model, scene=scene, model=model, seed=0, oa=0.9)
    compare(sorted(path.parent for path in tmp_path.glob("*/*/metrics.json")), tmp_path / "out")
    columns, rows = read_markdown(tmp_path / "out/paper.md")
    assert columns[3:] == ["SVM (RBF)", "SSRN"]
    assert {"*mine*", "*Pavia University*"} <= set(rows)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"mine", "pavia_u", *PAPER}
    assert (tmp_path / "out/mine/comparison.md").exists()
    table = pd.read_csv(tmp_path / "out/paper.csv")
    assert table.groupby("scene")["SSRN mean"].count().to_dict() == {"mine": 6, "Pavia University": 0}


def test_a_scene_makes_no_folder_elsewhere(tmp_path):
    for scene in ("..", "fine"):
        write_run(tmp_path / f"runs of {len(scene)}", scene=scene, seed=0, oa=0.9)
    with pytest.raises(HsiError, match=r"scene=\.\.: give a name"):
        compare(sorted(path.parent for path in tmp_path.glob("*/metrics.json")), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_model_has_a_name_of_its_own():
    names = {path.stem: title("model", path.stem) for path in (CONF / "model").glob("*.yaml")}
    assert len(set(names.values())) == len(names)
    assert [names[model] for model in ("hybridsn", "svm", "ssrn")] == ["HybridSN", "SVM (RBF)", "SSRN"]
    assert title("model", "../config") == "../config"  # no file is read that is no choice


def test_settings_of_one_model_are_told_apart(tmp_path):
    from hsi.comparison.groups import read_settings

    folders = []
    for attention, steps in (("none", 100), ("none", 200), ("se", 100)):
        folders.append(
            write_run(tmp_path / f"{attention}{steps}", model="hybridsn", seed=0, oa=0.9, train={"steps": steps})
        )
        config = files.read_json(folders[-1] / "metrics.json")["config"]
        choices = {"model": "hybridsn", "scene": "synthetic", "attention": attention}
        change(folders[-1], choices=choices, config=config | {"model": {"attention": attention}})
    names = name_methods(read_settings(folders))
    assert names == ["HybridSN (train.steps=100)", "HybridSN (train.steps=200)", "HybridSN + SE"]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_is_a_command(name):
    escaped = latex(name)
    left = re.sub(
        r"\\(textbackslash|textasciitilde|textasciicircum)\{\}|\\[&%$#_{}]|\$(<|>|\||\\pm|\\times|\\kappa)\$",
        "",
        escaped,
    )
    left = re.sub(r"\{[\[\]*]\}", "", left)
    assert not re.search(r"[\\&%$#_{}~^<>|\"]", left)
    assert not re.search(r"(?<!\\)[|*`<]", markdown(name).replace("\\\\", ""))


@pytest.fixture
def hostile(tmp_path) -> Path:
    """The folder of a comparison of two scenes whose classes and names are odd."""
    folders = []
    for scene in ("plain", "sc_e&n%e"):
        for model, oa in (("svm", 0.9), ("my_net.Net_2", 0.8)):
            for seed in range(2):
                folders.append(
                    write_run(tmp_path / f"{len(folders)}", scene=scene, model=model, seed=seed, oa=oa + seed / 20)
                )
                change(folders[-1], per_class=dict.fromkeys(HOSTILE, oa))
    compare(folders, tmp_path / "out")
    return tmp_path / "out"


def test_rows_have_equal_numbers_of_cells(hostile):
    text = (hostile / "paper.tex").read_text()
    for inner in re.findall(r"\\begin\{tabular\}(.*?)\\end\{tabular\}", text, flags=re.DOTALL):
        lines = [line for line in inner.splitlines() if line.endswith(r"\\")]
        counts = {len(cells_of(line)) for line in lines if r"\multicolumn" not in line}
        assert len(counts) == 1
        assert len(lines) > 2
    assert text.count(r"\multicolumn{5}{l}") == 2
    _, rows = read_markdown(hostile / "paper.md")
    assert {len(cells) for cells in rows.values()} == {4}


@pytest.mark.skipif(not HAS_LATEX, reason=MISSING)
def test_latex_takes_it(hostile):
    packages = re.search(r"\\usepackage.*", (hostile / "paper.tex").read_text())[0]
    main = rf"\documentclass{{article}}{packages}\begin{{document}}\input{{methods}}\input{{paper}}\end{{document}}"
    (hostile / "main.tex").write_text(main)
    made = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"],
        cwd=hostile,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stdout[-2000:]
    assert "root:" not in made.stdout
