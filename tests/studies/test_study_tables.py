"""The tables are extended by what the real command leaves, exactly, once, and all or nothing."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT, TRIAL

from hsi import files
from hsi.errors import HsiError
from studies import table
from studies.__main__ import main
from studies.record import read_record

TABLES = (table.RUNS, table.CLASSES, table.HISTORY)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store") / "run"


@pytest.fixture
def run(store: Path, hsi_run, tmp_path: Path) -> Path:
    """A copy of a finished run on the synthetic scene."""
    if not store.exists():
        assert hsi_run(*TRIAL).status == 0
        (metrics,) = tmp_path.rglob("metrics.json")
        metrics.parent.rename(store)
    return shutil.copytree(store, tmp_path / "outputs" / "trial")


def extend(tables: Path, *folders: Path) -> dict[str, str]:
    """The texts of the tables after the command."""
    main(["extend", *map(str, folders), "--tables", str(tables)])
    return read_texts(tables)


def read_texts(tables: Path) -> dict[str, str]:
    return {name: (tables / name).read_text(encoding="utf-8") for name in TABLES}


def set_metrics(run: Path, **changes: object) -> None:
    files.write_json(run / "metrics.json", files.read_json(run / "metrics.json") | changes)


def test_the_kept_tables_are_as_the_code_writes_them(tmp_path):
    table.write(tmp_path, table.read(ROOT / "studies"))
    for name in TABLES:
        assert (tmp_path / name).read_bytes() == (ROOT / "studies" / name).read_bytes()


def test_a_run_adds_its_rows_with_all_that_it_says(run, tmp_path, capfd):
    texts = extend(tmp_path / "tables", run)
    assert "1 runs added, 0 replaced, 0 there already" in capfd.readouterr().out
    (record,) = table.read(tmp_path / "tables").values()
    metrics = json.loads((run / "metrics.json").read_text())
    assert record.run == f"random_30/hybridsn_none_seed-0_{metrics['config_hash'][:8]}"
    del metrics["config"]["scene"]
    assert json.dumps(record.metrics, sort_keys=True) == json.dumps(metrics, sort_keys=True)
    steps = (run / "history.csv").read_text().splitlines()[1:]
    assert texts[table.HISTORY].splitlines()[1:] == [f"{record.run},{step}" for step in steps]
    assert len(steps) == 4


def test_pandas_reads_the_same_numbers(run, tmp_path):
    extend(tmp_path / "tables", run)
    metrics = json.loads((run / "metrics.json").read_text())
    runs, classes = (pd.read_csv(tmp_path / "tables" / name) for name in (table.RUNS, table.CLASSES))
    assert runs.oa.tolist() == pytest.approx([metrics["oa"]], rel=1e-14)  # not all of pandas' parsers are exact
    assert runs["config.split.train"].tolist() == [0.3]
    assert dict(zip(classes["class"], classes.recall, strict=True)) == pytest.approx(metrics["per_class"], rel=1e-14)
    assert dict(zip(classes["class"], classes.f1, strict=True)) == pytest.approx(metrics["per_class_f1"], rel=1e-14)


def test_another_run_changes_no_other_row_and_twice_is_once(run, tmp_path, hsi_run, capfd):
    """The second run has a column that the first lacks, and stands before it in the tables."""
    tables = tmp_path / "tables"
    extend(tables, run)
    (first,) = table.read(tables).values()
    assert hsi_run(*TRIAL, "split.train=0.1", "+attention=se").status == 0
    both = extend(tables, tmp_path / "outputs")
    assert "1 runs added, 0 replaced, 1 there already" in capfd.readouterr().out
    second, again = table.read(tables).values()
    assert again == first
    assert (second.run.split("_seed")[0], len(second.history)) == ("random_10/hybridsn_se", 4)
    for name in TABLES[1:]:  # the columns are the same, so the rows are to the byte
        lines = both[name].splitlines()
        assert [line for line in lines if line.startswith(first.run)] == [
            line for line in table_of(tmp_path / "one", first)[name].splitlines() if line.startswith(first.run)
        ]
    assert extend(tables, tmp_path / "outputs") == both
    assert "0 runs added, 0 replaced, 2 there already" in capfd.readouterr().out


def table_of(tables: Path, record: table.Record) -> dict[str, str]:
    table.write(tables, {record.run: record})
    return read_texts(tables)


def test_a_repeated_run_takes_the_place_of_the_first(run, tmp_path, capfd):
    extend(tmp_path / "tables", run)
    seconds = {"load": 0.1, "train": 12345.0, "map": 1.0}
    set_metrics(run, seconds=seconds)
    extend(tmp_path / "tables", run)
    assert "0 runs added, 1 replaced, 0 there already" in capfd.readouterr().out
    (record,) = table.read(tmp_path / "tables").values()
    assert record.metrics["seconds"] == seconds
    assert len(record.history) == 4


def test_the_order_of_extending_leaves_no_trace(tmp_path):
    records = list(table.read(ROOT / "studies").values())[::40]
    forward, backward = table.extend({}, records), table.extend({}, records[::-1])
    assert list(forward) == list(backward)
    one_by_one = table.extend(table.extend({}, records[3:]), records[:3])
    texts = []
    for number, made in enumerate((forward, backward, one_by_one)):
        table.write(tmp_path / str(number), made)
        texts.append(read_texts(tmp_path / str(number)))
    assert texts[0] == texts[1] == texts[2]


def test_what_was_learned_is_the_accuracy_of_the_last_tenth_of_the_steps():
    steps = tuple({"step": str(step), "accuracy": f"0.{step}"} for step in range(10, 30))
    record = table.Record("lenet", {}, steps)
    assert record.training_accuracy == pytest.approx(0.285)
    assert replace(record, history=steps[:3]).training_accuracy == pytest.approx(0.12)
    assert replace(record, history=()).training_accuracy is None


def test_a_run_whose_row_is_gone_is_gone(tmp_path):
    """Nothing of it is left in the other tables after the next extension."""
    first, second, *_ = table.read(ROOT / "studies").values()
    first = replace(first, history=({"step": "1", "loss": "0.5"},))
    table.write(tmp_path, {first.run: first, second.run: second})
    header, _, row = (tmp_path / table.RUNS).read_text().splitlines()
    (tmp_path / table.RUNS).write_text(f"{header}\n{row}\n")
    left = table.read(tmp_path)
    assert list(left) == [second.run]
    table.write(tmp_path, left)
    assert first.run not in "".join(read_texts(tmp_path).values())


def spoil_history(run: Path) -> None:
    (run / "history.csv").write_text("step,loss\n1,0.5\n")


def forge_history(run: Path) -> None:
    (run / "history.csv").write_text("step,loss\n1,__import__('os')\n")
    checksum = files.file_checksum(run / "history.csv")
    set_metrics(run, files=files.read_json(run / "metrics.json")["files"] | {"history.csv": checksum})


SPOILERS = {
    "nothing there": (shutil.rmtree, "is no directory"),
    "unfinished": (lambda run: (run / "metrics.json").rename(run / "m.json"), "is not finished"),
    "member unfinished": (lambda run: files.write(run / "1" / "run.log", ""), "is not finished"),
    "no run": (lambda run: [path.unlink() for path in run.rglob("*.*") if path.is_file()], "no finished run"),
    "damaged": (lambda run: (run / "metrics.json").write_text("{"), "damaged"),
    "a list": (lambda run: (run / "metrics.json").write_text("[]"), "holds no JSON object"),
    "no scene hash": (lambda run: set_metrics(run, scene_hash=None), "scene_hash"),
    "not a number": (lambda run: (run / "metrics.json").write_text(text_with_nan(run)), "oa=nan: give a number"),
    "words for numbers": (lambda run: set_metrics(run, seconds="long"), "has no seconds"),
    "choices": (lambda run: set_metrics(run, choices=[]), "choices=[]: give a mapping"),
    "a model out of the way": (lambda run: set_metrics(run, choices={"model": "../a", "split": "x"}), "choices.model"),
    "a dotted key": (lambda run: set_metrics(run, **{"config.seed": 3}), "config.seed"),
    "a key of control characters": (lambda run: set_metrics(run, **{"oa\r": 3}), r"'oa\r'"),
    "history gone": (lambda run: (run / "history.csv").unlink(), "not as the run left it"),
    "history changed": (spoil_history, "not as the run left it"),
    "history no numbers": (forge_history, "history.csv is damaged"),
}


def text_with_nan(run: Path) -> str:
    metrics = files.read_json(run / "metrics.json")
    return json.dumps(metrics | {"oa": float("nan")})


@pytest.mark.parametrize("name", SPOILERS)
def test_what_is_no_sound_run_is_refused_in_a_sentence_and_changes_nothing(run, tmp_path, name):
    spoil, words = SPOILERS[name]
    before = extend(tmp_path / "tables", run)
    spoiled = Path(shutil.copytree(run, tmp_path / "spoiled"))
    set_metrics(spoiled, seed=1)  # it would be added
    spoil(spoiled)
    with pytest.raises(SystemExit) as leaving:
        extend(tmp_path / "tables", *([] if name == "no run" else [run]), spoiled)
    message = str(leaving.value)
    assert message.startswith("Error: ")
    assert words in message
    assert "\n" not in message
    assert read_texts(tmp_path / "tables") == before


def test_the_unspoiled_run_is_added(run, tmp_path):
    """So what the test above has seen refused was refused for its fault alone."""
    extend(tmp_path / "tables", run)
    set_metrics(run, seed=1)
    extend(tmp_path / "tables", run)
    assert len(table.read(tmp_path / "tables")) == 2


def test_a_run_of_another_scene_is_refused(run, tmp_path):
    shutil.copytree(ROOT / "studies", tmp_path / "tables", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    before = read_texts(tmp_path / "tables")
    with pytest.raises(SystemExit, match=r"is of another scene \(scene synthetic\) than the table \(indian_pines\)"):
        extend(tmp_path / "tables", run)
    record = read_record(run)
    same_name = replace(record, metrics=record.metrics | {"scene_hash": "f" * 64})
    with pytest.raises(HsiError, match="is of another scene \\(scene_hash f"):
        table.extend({record.run: record}, [same_name])
    assert read_texts(tmp_path / "tables") == before


def test_a_configuration_that_shares_its_name_is_refused(run, tmp_path, hsi_run):
    before = extend(tmp_path / "tables", run)
    assert hsi_run(*TRIAL, "optimizer.lr=0.001").status == 0
    with pytest.raises(SystemExit, match=r"hybridsn under random, 30 % has two configurations \(optimizer.lr="):
        extend(tmp_path / "tables", tmp_path / "outputs")
    assert read_texts(tmp_path / "tables") == before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (table.RUNS, "run,scene\n1\n"),
        (table.RUNS, "scene\nx\n"),
        (table.RUNS, "run\na\na\n"),
        (table.RUNS, "run\nb\n"),
        (table.CLASSES, ""),
        (table.HISTORY, "run,step\n,1\n"),
        (table.RUNS, "run,a,a.b\na,1,2\n"),
        (table.CLASSES, "run,recall\na,1\n"),
        (table.CLASSES, "run,class,recall\na,[1],1\n"),
    ],
)
def test_damaged_tables_are_refused(tmp_path, name, text):
    for each in TABLES:
        (tmp_path / each).write_text("run,class\na,x\n" if each == table.CLASSES else "run\na\n")
    assert list(table.read(tmp_path)) == ["a"]
    (tmp_path / name).write_text(text)
    with pytest.raises(HsiError, match="restore"):
        table.read(tmp_path)


def test_help_and_writing_from_nothing_are_sentences(tmp_path, capfd):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "make RESULTS.md" in capfd.readouterr().out
    with pytest.raises(SystemExit, match=r"Error: RESULTS.md is also about hybridsn under random, 10 %"):
        main(["write", "--tables", str(tmp_path), "--to", str(tmp_path)])
