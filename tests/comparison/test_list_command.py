"""`hsi list`: every finished run once, the best of each scene first; what is broken costs its sentence alone."""

import os
import sys
import time
from pathlib import Path

import pytest
from written_runs import write_run

from hsi import files
from hsi.comparison.listing import COLUMN
from hsi.list import main
from hsi.reports.times import in_words


@pytest.fixture
def listed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> list[str]:
        monkeypatch.setattr(sys, "argv", ["hsi list", *words])
        main()
        return capsys.readouterr().out.splitlines()

    return call


def test_runs_are_listed_by_scene_and_accuracy_with_what_their_files_say(listed):
    outputs = Path("outputs")
    for name, oa, scene in (("a", 0.5, "pavia"), ("b/c", 0.75, "pavia"), ("d", 0.1, "indian")):
        write_run(outputs / name, seed=0, oa=oa, scene=scene)
    path = outputs / "a/metrics.json"
    files.write_json(path, files.read_json(path) | {"position": {"oa": 0.25, "skill": None}})
    os.utime(path, (time.time() - 7200,) * 2)
    lines = listed()
    assert [line for line in lines if line in ("indian", "pavia")] == ["indian", "pavia"]
    rows = [line.split() for line in lines if line.endswith(("  a", "  b/c", "  d"))]
    assert [row[-1] for row in rows] == ["d", "b/c", "a"]
    assert rows[1][:5] == ["75.00", "74.00", "0.6500", "-", "62"]
    assert rows[2] == ["50.00", "49.00", "0.4000", "25.00", "62", "2", "h", "a"]
    assert lines[-1] == "outputs: 3 finished"


def test_broken_failed_and_unfinished_runs_are_counted_and_stop_nothing(listed):
    write_run(Path("outputs/good"), seed=0, oa=0.5)
    logs = {
        "failed": "[t][hsi][INFO] Scene\n[t][hsi.cli.main][ERROR] Error: the disk is full\n",
        "again": "[t][hsi.cli.main][ERROR] Error: the disk is full\n[t][hsi][INFO] Scene\n",
        "killed": "[t][hsi][INFO] Scene\n",
        "broken": "",
    }
    for name, log in logs.items():
        files.write(Path("outputs") / name / "run.log", log)
    files.write(Path("outputs/broken/metrics.json"), "{")
    files.write(Path("outputs/killed/checkpoint.safetensors"), "")
    *lines, last = listed()
    (told,) = [line for line in lines if "broken" in line]
    assert told.startswith("Not readable: outputs/broken/metrics.json is damaged")
    assert last == "outputs: 1 finished; 1 not readable; 1 failed, each run.log says why; 2 unfinished, " + (
        "1 of them with a checkpoint"
    )


def test_long_names_are_wrapped_whole_and_signs_of_control_never_printed(listed):
    name = "sweeps/" + "x" * 90 + "/synthetic/hybridsn/" + "y" * 89
    write_run(Path("outputs") / name, seed=0, oa=0.5, scene="a\x1b[2J")
    lines = listed("outputs")
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in "".join(lines)
    assert name in "".join(line[COLUMN:] for line in lines)


def test_a_folder_that_is_not_there_gets_a_sentence(listed, capsys):
    with pytest.raises(SystemExit, match="2"):
        listed("nowhere")
    assert capsys.readouterr().err == "Error: nowhere is no directory: name one that holds runs, such as outputs\n"


def test_times_are_said_in_the_unit_that_suits_them():
    seconds = (4.2, 99, 100, 5000, 6000, 47 * 3600, 49 * 3600)
    assert [in_words(each) for each in seconds] == ["4 s", "99 s", "2 min", "83 min", "2 h", "47 h", "2 days"]
