"""Pictures: exact colours, hand-counted errors, texts, layout, files that are whole and equal each time."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from hsi import plots
from hsi.errors import HsiError
from hsi.scene import Scene

COLOURS = ("#e69f00", "#56b4e9", "#009e73")
NAMES = ("Corn", "Woods", "Buildings-Grass-Trees-Drives")
SHAPES = [(145, 145), (610, 340), (512, 217), (1476, 256), (512, 614), (60, 120), (30, 200)]


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def make_scene(rows: int = 12, cols: int = 9, bands: int = 8, classes: int = 3) -> Scene:
    random = np.random.default_rng(0)
    return Scene(
        name="made",
        cube=random.integers(900, 9000, (rows, cols, bands)).astype(np.uint16),
        labels=random.integers(0, classes + 1, (rows, cols)),
        label_values=tuple(range(1, classes + 1)),
        class_names=tuple(NAMES[index % 3] for index in range(classes)),
        colours=tuple(COLOURS[index % 3] for index in range(classes)),
        wavelengths=None,
        georeference=None,
        rgb_bands=None,
        checksums={},
    )


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def legend_texts(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def history(steps: int) -> pd.DataFrame:
    step = np.arange(1, steps + 1)
    return pd.DataFrame(
        {
            "step": step,
            "loss": 3 / step,
            "accuracy": 1 - 1 / step,
            "learning_rate": 1e-3,
            "validation_accuracy": np.where(step % 10 == 0, 1 - 2 / step, np.nan),
        }
    )


def test_false_colour_fills_0_to_1():
    image = plots.false_colour(make_scene())
    assert image.shape == (12, 9, 3)
    assert image.min() == 0
    assert image.max() == 1


@pytest.mark.parametrize(("factor", "offset"), [(1e-4, 0), (3, 500)])
def test_false_colour_does_not_depend_on_the_unit(factor, offset):
    scene = make_scene()
    other = replace(scene, cube=(scene.cube * factor + offset).astype(np.float64))
    np.testing.assert_allclose(plots.false_colour(other), plots.false_colour(scene), atol=1e-12)


def test_false_colour_of_constant_bands_is_black():
    scene = make_scene()
    assert not plots.false_colour(replace(scene, cube=np.full_like(scene.cube, 7))).any()


@pytest.mark.parametrize(
    ("rgb_bands", "wavelengths", "expected"),
    [
        ((6, 1, 0), None, (6, 1, 0)),
        ((6, 1, 0), np.linspace(400, 750, 8), (6, 1, 0)),
        (None, np.array([400.0, 460, 500, 555, 600, 648, 700, 900]), (5, 3, 1)),
        (None, None, (5, 4, 2)),  # of bands 0..7: 5.25, 3.5, 1.75, rounded (half to even)
    ],
)
def test_bands_of_false_colour(rgb_bands, wavelengths, expected):
    scene = make_scene()
    chosen = replace(scene, rgb_bands=rgb_bands, wavelengths=wavelengths)
    named = replace(scene, rgb_bands=expected)
    np.testing.assert_array_equal(plots.false_colour(chosen), plots.false_colour(named))


@pytest.mark.parametrize("bands", [1, 2, 3])
def test_false_colour_of_few_bands(bands):
    assert plots.false_colour(make_scene(bands=bands)).shape == (12, 9, 3)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.uint16])
def test_class_image_has_the_colours_of_the_classes(dtype):
    labels = np.array([[0, 1], [2, 3]], dtype=dtype)
    image = plots.class_image(labels, make_scene())
    for index, colour in zip(np.ndindex(2, 2), ("#ffffff", *COLOURS), strict=True):
        assert tuple(image[index]) == to_rgb(colour)


def test_error_image_by_hand():
    labels = np.array([[0, 1, 1], [2, 2, 3]])
    class_map = np.array([[1, 1, 2], [2, 1, 3]])
    white, right, wrong, rest = (
        to_rgb(colour) for colour in (plots.UNLABELLED, plots.RIGHT, plots.WRONG, plots.NOT_TESTED)
    )
    expected = [[white, right, wrong], [right, wrong, right]]
    np.testing.assert_array_equal(plots.error_image(labels, class_map), expected)
    # Without labels a pixel stays white even if `test` names it; a wrong pixel outside `test` is no error.
    test = np.array([[True, True, False], [False, True, False]])
    expected = [[white, right, rest], [rest, wrong, rest]]
    np.testing.assert_array_equal(plots.error_image(labels, class_map, test), expected)


def test_map_counts_stand_in_its_legend():
    scene = replace(make_scene(2, 3), labels=np.array([[0, 1, 1], [2, 2, 3]]))
    class_map = np.array([[1, 1, 2], [2, 1, 3]])
    test = np.array([[True, True, False], [False, True, False]])
    whole = legend_texts(plots.draw_map(scene, class_map))
    assert whole == [*NAMES, "unlabelled", "right (3)", "wrong (2)"]
    tested = legend_texts(plots.draw_map(scene, class_map, test))
    assert tested == [*NAMES, "unlabelled", "right (1)", "wrong (1)", "not in the test set (3)"]


def test_map_of_a_scene_without_labels():
    scene = make_scene()
    unlabelled = replace(scene, labels=np.zeros_like(scene.labels))
    figure = plots.draw_map(unlabelled, np.ones((12, 9), dtype=np.uint8))
    assert [axes.get_title() for axes in figure.axes] == ["False colour", "Class map"]
    assert legend_texts(figure) == list(NAMES)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("classes", [3, 16])
def test_map_fits_scenes_of_any_shape(shape, classes):
    scene = make_scene(*shape, bands=3, classes=classes)
    figure = plots.draw_map(scene, np.ones(shape, np.uint8), scene.labels > 1, "Some scene")
    figure.draw_without_rendering()
    boxes = [axes.get_window_extent() for axes in figure.axes]
    boxes += [axes.title.get_window_extent() for axes in figure.axes]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    boxes += [text.get_window_extent() for text in figure.texts]
    for index, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[index + 1 :])


@pytest.mark.parametrize("shape", SHAPES)
def test_each_scene_pixel_has_a_whole_number_of_dots(shape):
    scene = make_scene(*shape, bands=3)
    for figure in (
        plots.draw_map(scene, np.ones(shape, np.uint8)),
        plots.draw_confidence(scene, np.ones(shape)),
    ):
        box = figure.axes[0].get_window_extent()
        dots = box.width / scene.cols
        assert dots == pytest.approx(round(dots))
        assert round(dots) >= 1
        assert box.height / scene.rows == pytest.approx(dots)


def test_confusion_percentages():
    # Row 0: 3 of 4 and 1 of 4; row 1: 1999 of 2000, which must not read 100, and 1 of 2000, which must not
    # read 0; row 2: all; row 3: a class without pixels.
    matrix = np.array([[3, 1, 0, 0], [0, 1999, 1, 0], [0, 0, 5, 0], [0, 0, 0, 0]])
    figure = plots.draw_confusion(matrix, ("a", "b", "c", "d"), "Title")
    blank = ""
    assert texts(figure) == [
        *("75.0", "25.0", blank, blank),
        *(blank, ">99.9", "<0.1", blank),
        *(blank, blank, "100", blank),
        *(blank, blank, blank, blank),
    ]
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["a", "b", "c", "d"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b", "c", "d"]
    support = axes.child_axes[0]
    assert [tick.get_text() for tick in support.get_yticklabels()] == ["4", "2000", "5", "0"]


def test_confusion_of_many_classes_keeps_its_cells_apart():
    matrix = np.full((16, 16), 625)
    figure = plots.draw_confusion(matrix, [f"a rather long class name {number}" for number in range(16)])
    figure.draw_without_rendering()
    axes = figure.axes[0]
    boxes = [text.get_window_extent() for text in axes.texts]
    cell = axes.get_window_extent().width / 16
    assert all(box.width < cell for box in boxes)
    for tick in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        assert tick.get_window_extent().x0 >= 0
        assert tick.get_window_extent().y0 >= 0


def test_history_curves():
    left, right = plots.draw_history(history(50)).axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), 3 / np.arange(1, 51))
    np.testing.assert_allclose(right.lines[0].get_ydata(), 100 * (1 - 1 / np.arange(1, 51)))
    measured = right.lines[-1]
    np.testing.assert_array_equal(measured.get_xdata(), [10, 20, 30, 40, 50])
    np.testing.assert_allclose(measured.get_ydata(), [80, 90, 280 / 3, 95, 96])


@pytest.mark.parametrize(
    "table",
    [
        history(50).drop(columns="validation_accuracy"),
        history(9),  # a column of validation accuracies without any
        history(1),
        history(50).assign(loss=0.0),
    ],
    ids=["no column", "none measured", "one step", "no loss"],
)
def test_history_without_validation(table, tmp_path):
    figure = plots.draw_history(table)
    if len(table.get("validation_accuracy", pd.Series()).dropna()) == 0:
        assert [text.get_text() for text in figure.axes[1].get_legend().get_texts()] == ["training batches"]
    plots.save(figure, tmp_path / "history.png")


@pytest.mark.parametrize("shape", [(12, 9), (9, 12)])
def test_confidence_is_shown_from_0_to_1(shape):
    confidence = np.linspace(0.3, 0.9, 108).reshape(shape)
    figure = plots.draw_confidence(make_scene(*shape), confidence)
    (image,) = figure.axes[0].images
    assert image.get_clim() == (0, 1)
    np.testing.assert_array_equal(image.get_array(), confidence)


def test_most_confused_by_hand():
    labels = np.array([[0, 1, 1, 2], [2, 2, 3, 3], [1, 3, 2, 2]])
    class_map = np.array([[3, 2, 1, 1], [1, 2, 1, 1], [2, 2, 2, 1]])
    # 2 as 1: three pixels; 1 as 2 and 3 as 1: two; 3 as 2: one. The unlabelled pixel does not count.
    assert plots.most_confused(labels, class_map) == [(2, 1), (1, 2), (3, 1), (3, 2)]


def test_spectra_of_a_pair():
    scene = make_scene()
    class_map = np.where(scene.labels == 1, 2, scene.labels)
    class_map[0, 0], scene.labels[0, 0] = 1, 1  # the one pixel of class 1 that is right
    axes = plots.draw_spectra(scene, class_map, pairs=[(1, 2)]).axes[0]
    assert axes.get_title() == "Corn mapped as Woods"
    *confused, truth, prediction = axes.lines
    assert 1 <= len(confused) <= 6
    pixels = scene.cube[(scene.labels == 1) & (class_map == 2)]
    assert all((pixels == line.get_ydata()).all(axis=1).any() for line in confused)
    np.testing.assert_array_equal(truth.get_ydata(), scene.cube[0, 0])
    np.testing.assert_allclose(prediction.get_ydata(), scene.cube[scene.labels == 2].mean(axis=0))
    assert (truth.get_color(), prediction.get_color()) == COLOURS[:2]


def test_spectra_leave_a_gap_where_bands_were_removed():
    wavelengths = np.array([400.0, 410, 420, 430, 500, 510, 520, 530])
    scene = replace(make_scene(), wavelengths=wavelengths)
    class_map = np.where(scene.labels == 1, 2, 3)
    axes = plots.draw_spectra(scene, class_map).axes[0]
    assert axes.get_xlabel() == "wavelength (nm)"
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), np.insert(wavelengths, 4, np.nan))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_spectra_panels(count, tmp_path):
    scene = make_scene()
    class_map = np.random.default_rng(1).integers(1, 4, scene.labels.shape)
    figure = plots.draw_spectra(scene, class_map, count=count)
    assert sum(bool(axes.lines) for axes in figure.axes) == count
    plots.save(figure, tmp_path / "spectra.png")


def test_spectra_of_a_pair_that_does_not_occur(tmp_path):
    scene = replace(make_scene(), labels=np.zeros((12, 9), np.int64))
    figure = plots.draw_spectra(scene, np.ones((12, 9), np.int64), pairs=[(1, 2)])
    assert not figure.axes[0].lines
    plots.save(figure, tmp_path / "spectra.png")


def test_spectra_without_any_confusion(tmp_path):
    scene = make_scene()
    figure = plots.draw_spectra(scene, np.maximum(scene.labels, 1))
    assert texts(figure) == ["no labelled pixel is mapped to a wrong class"]
    plots.save(figure, tmp_path / "spectra.png")


def test_saved_twice_is_the_same_file(tmp_path):
    scene = make_scene()
    for name in ("first.png", "second.png"):
        plots.save(plots.draw_map(scene, np.ones((12, 9), np.uint8), title="Title"), tmp_path / name)
    first, second = ((tmp_path / name).read_bytes() for name in ("first.png", "second.png"))
    assert first == second
    assert first.startswith(b"\x89PNG")
    assert b"matplotlib" not in first.lower()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.png", "second.png"]


def test_a_picture_that_cannot_be_drawn_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "map.png"
    path.write_bytes(b"old")
    figure = plots.draw_history(history(3))
    monkeypatch.setattr(figure.axes[0], "draw", lambda renderer: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        plots.save(figure, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HsiError, match="file"):
        plots.save(plots.draw_history(history(3)), tmp_path / "file" / "history.png")
