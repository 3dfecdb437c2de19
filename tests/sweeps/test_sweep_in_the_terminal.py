"""A sweep of six in thirty lines, whoever runs its members; those that fail or vanish are named with the reason."""

import io
import re
import sys
import time
from pathlib import Path

import pytest
from conftest import TRIAL
from omegaconf import OmegaConf
from written_runs import write_run

from hsi import files
from hsi.runs.folder import held
from hsi.sweeps import member
from hsi.sweeps.callback import MEMBERS, _clear
from hsi.sweeps.count import count_members
from hsi.sweeps.member import Member
from hsi.sweeps.watch import ENDED, Watch

SMALL = [*TRIAL, "model=knn"]
LINES = 30
ROW = re.compile(r" +(\d+) +(\d+\.\d\d) +\d+\.\d\d +-?\d\.\d{4} +(\d+|before)  (\S+)")


def test_six_members_take_thirty_lines_and_their_figures_are_those_of_their_files(hsi_run):
    outcome = hsi_run("-m", *SMALL, "seed=0,1,2,3,4,5")
    assert outcome.status == 0, outcome.err
    assert len(outcome.out.splitlines()) <= LINES - 1  # the command itself says in one that it loads its libraries
    rows = [ROW.fullmatch(line) for line in outcome.out.splitlines()]
    told = {row[4]: row[2] for row in rows if row}
    (sweep,) = Path("outputs/sweeps").iterdir()
    runs = [files.read_json(path) for path in sweep.rglob("metrics.json")]
    assert told == {f"seed={run['seed']}": f"{100 * run['oa']:.2f}" for run in runs}
    assert len(told) == 6
    for log in sweep.rglob("run.log"):
        assert "OA" in log.read_text()
    assert not (sweep / MEMBERS).exists()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_last_line_says_how_far_the_sweep_is(tmp_path, monkeypatch, capsys):
    """Two have run, one failed, one is at work; the line is drawn anew below theirs, and gone at the end."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr("hsi.sweeps.watch.PERIOD", 0.01)
    watch = Watch(tmp_path, ["model=svm"], 5)
    watch.start()
    for number, (state, oa) in enumerate([("done", 0.7), ("done", 0.9), ("failed", None), ("running", None)]):
        folder = tmp_path / str(number)
        if oa:
            write_run(folder, seed=number, oa=oa)
        why = "it may not" if state == "failed" else ""
        member.note(tmp_path, Member(number, ["model=svm", f"seed={number}"], str(folder), state, 2.0, True, why))
    until = time.monotonic() + 20
    while "1 running" not in screen.getvalue() and time.monotonic() < until:
        time.sleep(0.01)
    watch.finish()
    drawn = re.split(r"[\r\n]+", screen.getvalue())
    (line,) = {line for line in drawn if "2 done, 1 running, 1 failed, 1 waiting" in line}
    assert line.endswith("best so far OA 90.00 % (seed=1)")
    assert "s left" in line
    printed = capsys.readouterr().out
    assert re.findall(r"(?m)^ +(\d) +(70.00|90.00|failed) ", printed) == [
        ("0", "70.00"),
        ("1", "90.00"),
        ("2", "failed"),
        ("3", "failed"),
    ]
    assert "waiting" not in printed
    assert watch.failures().splitlines() == [
        "2 of 5 members failed; the same command repeats them:",
        "  seed=2: it may not",
        f"  seed=3: {ENDED}",
        "  1 more did not start",
    ]


def test_the_best_so_far_is_chosen_by_validation_pixels_where_there_are_any(tmp_path):
    watch = Watch(tmp_path, [], 2)
    for number, (oa, validation) in enumerate([(0.9, 0.5), (0.6, 0.8)]):
        path = write_run(tmp_path / str(number), seed=number, oa=oa) / "metrics.json"
        files.write_json(path, files.read_json(path) | {"validation_oa": validation})
        watch._end(Member(number, [f"seed={number}"], str(path.parent), "done"))
    assert watch.progress().endswith("best so far validation OA 80.00 % (seed=1)")


def test_what_a_killed_launch_left_goes_and_what_another_is_at_work_on_stays(tmp_path):
    for name in ("left", "busy"):
        (tmp_path / name).mkdir()
        member.note(tmp_path / name, Member(0, ["seed=0"], "there"))
    with held(tmp_path / "busy"):
        _clear(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["busy"]
    _clear(tmp_path)
    assert not tmp_path.exists()


@pytest.mark.parametrize(
    ("words", "params", "total"),
    [
        (["seed=0,1,2", "model=svm,knn", "patch_size=9"], None, 6),
        (["seed=range(5)"], None, 5),
        (["model=svm"], {"seed": "0,1"}, 2),
    ],
)
def test_the_number_of_members_is_that_of_hydras_sweeper(words, params, total):
    sweeper = {"_target_": "hydra._internal.core_plugins.basic_sweeper.BasicSweeper", "params": params}
    assert count_members(OmegaConf.create({"hydra": {"sweeper": sweeper, "overrides": {"task": words}}})) == total
    sweeper["_target_"] = "hydra_plugins.another.Sweeper"  # one that decides on the way
    assert count_members(OmegaConf.create({"hydra": {"sweeper": sweeper, "overrides": {"task": words}}})) is None


def test_the_time_left_is_that_of_members_that_were_computed(tmp_path, monkeypatch):
    """Two of ten are done, one of them before; 30 s have passed, so that the other eight take 30 s each."""
    watch = Watch(tmp_path, [], 10)
    watch._started = time.monotonic() - 30
    for number, fresh in ((0, False), (1, True)):
        watch.members[number] = Member(number, [f"seed={number}"], "there", "done", 1.0, fresh)
    assert "4 min left" in watch.progress()
    assert watch.progress().startswith("2 done, 0 running, 0 failed, 8 waiting")
