"""Saving: files that are whole, and equal each time."""

import numpy as np
import pytest
from made import make_history, make_scene

from hsi.errors import HsiError
from hsi.plots.canvas import save
from hsi.plots.maps import draw_map
from hsi.plots.scores import draw_history

pytestmark = pytest.mark.filterwarnings("error")


def test_saved_twice_is_the_same_file(tmp_path):
    scene = make_scene()
    for name in ("first.png", "second.png"):
        save(draw_map(scene, np.ones((12, 9), np.uint8), title="Title"), tmp_path / name)
    first, second = ((tmp_path / name).read_bytes() for name in ("first.png", "second.png"))
    assert first == second
    assert first.startswith(b"\x89PNG")
    assert b"matplotlib" not in first.lower()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.png", "second.png"]


def test_a_picture_that_cannot_be_drawn_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "map.png"
    path.write_bytes(b"old")
    figure = draw_history(make_history(3))
    monkeypatch.setattr(figure.axes[0], "draw", lambda renderer: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save(figure, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HsiError, match="file"):
        save(draw_history(make_history(3)), tmp_path / "file" / "history.png")
