"""What test windows have seen of the training pixels, whatever the split.

All figures rest on one measure, the Chebyshev distance in pixels (the larger of the differences in rows and in
columns): a window of side P holds a pixel when that is at most P // 2 from its middle.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.ndimage import uniform_filter
from scipy.stats import binomtest

from hsi.splits.distance import NONE, distance_to
from hsi.splits.fields import number_fields
from hsi.splits.roles import TEST, TRAIN, VALIDATION, Split


def sees_training(split: Split, window: int) -> np.ndarray:
    """(rows, cols) bool: whether the window around each pixel contains a training pixel.

    A masked window sees its own region only.
    """
    return distance_to(split.role == TRAIN, split.region) <= window // 2


def ladder(
    split: Split, labels: np.ndarray, windows: Sequence[int], context: str = "own", valid: np.ndarray | None = None
) -> pd.DataFrame:
    """The leak figures of one split for several windows: a row a window.

    Parameters
    ----------
    labels
        (rows, cols) int, 1..K where labelled.
    windows
        Odd sides in pixels.
    context
        ``free``: test windows are not masked to their region (training windows are); see
        `hsi.mapping.scene_map.MapSettings`.
    valid
        (rows, cols) bool, or None for all: which pixels hold data. The others are to a window what lies beyond the
        scene's border, and no part of it.

    Returns
    -------
    table
        window
            its side in pixels;
        test_windows_with_training_pixel
            share of the test windows that contain a training pixel;
        test_windows_with_training_pixel_of_own_class
            share of those that contain one of the class of their own middle pixel;
        mean_overlap
            mean, over the test windows, of the share of a window's pixels (those inside the scene that hold data and,
            where masked, are in the region) that lie in a training window too.
    """
    train, test = split.role == TRAIN, split.role == TEST
    region = split.region if context == "own" else None
    nearest = distance_to(train, region)
    nearest_own = np.full(labels.shape, NONE, dtype=np.int32)
    for k in np.unique(labels[test]):
        members = labels == k
        nearest_own[members] = distance_to(train & members, region)[members]
    to_train = nearest if region is split.region else distance_to(train, split.region)  # at most P // 2 in a window
    rows = []
    for window in windows:
        reach = window // 2
        rows.append(
            {
                "window": window,
                "test_windows_with_training_pixel": float((nearest[test] <= reach).mean()),
                "test_windows_with_training_pixel_of_own_class": float((nearest_own[test] <= reach).mean()),
                "mean_overlap": float(_covered(to_train <= reach, window, region, valid)[test].mean()),
            }
        )
    return pd.DataFrame(rows)


def audit(
    split: Split,
    labels: np.ndarray,
    window: int,
    class_map: np.ndarray | None = None,
    context: str = "own",
    polygons: np.ndarray | None = None,
    valid: np.ndarray | None = None,
) -> dict[str, Any]:
    """The leak figures of a run, for metrics.json.

    Parameters
    ----------
    labels
        (rows, cols) int, 1..K where labelled.
    class_map
        (rows, cols) int 1..K, or None when there is no map yet.
    context
        As in `ladder`.
    polygons
        (rows, cols) int, or None: which polygon a labelled pixel was drawn with, from 1 on; 0 elsewhere.
    valid
        As in `ladder`.

    Returns
    -------
    leakage
        The row of `ladder`, and: ``context``; ``distance_counts``, the number of test pixels whose nearest training
        pixel, of any region, is 0, 1, 2... pixels away; ``accuracy_by_distance`` (with a map), see
        `accuracy_by_distance`; ``fields``, see `count_fields`; ``polygons`` (with polygons), see `count_polygons`;
        ``sentence``, which says what it means.
    """
    figures: dict[str, Any] = ladder(split, labels, [window], context, valid).to_dict("records")[0]
    share = figures["test_windows_with_training_pixel"]
    test = split.role == TEST
    distance = split.to_training[test]
    if share == 0:
        sentence = f"No test window ({window} x {window} pixels) contains a training pixel."
    else:
        sentence = (
            f"{share:.1%} of the test windows ({window} x {window} pixels) contain at least one training pixel: "
            "their accuracy says how well this scene is filled in between its labels, not how well another "
            "field or scene would be mapped."
        )
    figures |= {"context": context, "distance_counts": np.bincount(distance).tolist()}
    figures["fields"] = count_fields(split, labels)
    if class_map is not None:
        figures["accuracy_by_distance"] = accuracy_by_distance(distance, class_map[test] == labels[test])
    if polygons is not None:
        figures["polygons"] = counts = count_polygons(split, polygons)
        sentence = f"{sentence} {_polygons_told(counts)}"
    return figures | {"sentence": sentence}


def in_words(leakage: Mapping[str, Any]) -> str:
    """The sentence of `audit`, and how near training pixels lie that no window sees: neighbours are alike.

    That follows from the other figures, so it stands in no file.
    """
    if leakage["test_windows_with_training_pixel"] > 0:
        return str(leakage["sentence"])
    counts = np.asarray(leakage["distance_counts"])
    beside, total = int(counts[1]), int(counts.sum())
    median = int(np.searchsorted(counts.cumsum(), total / 2))
    near = f"{beside:,} of the {total:,} test pixels ({beside / total:.1%}) lie" if beside else "no test pixel lies"
    return (
        f"{leakage['sentence']} The nearest training pixel is {median:,} pixel{'s' if median > 1 else ''} away in the "
        f"median, and {near} beside one."
    )


def count_fields(split: Split, labels: np.ndarray) -> dict[str, float]:
    """How far test pixels lie in fields that are known from training; no window is needed for that.

    A field is a connected piece of one class, see `hsi.splits.fields`; unused pixels belong to it as well.

    Returns
    -------
    fields
        ``test_pixels_in_trained_fields``, the share of the test pixels whose own field holds training pixels;
        ``test_pixels``; ``fields``, ``trained``, ``tested`` and ``both``, how many there are, train, test, and
        do both; ``training_clumps``, the connected pieces of the training pixels of each class.
    """
    fields = number_fields(labels)
    test = fields[split.role == TEST]
    trained = np.setdiff1d(fields[split.role == TRAIN], 0)
    known = np.isin(test, trained)
    tested = np.setdiff1d(test, 0)
    return {
        "test_pixels_in_trained_fields": float(known.mean()) if len(test) else 0.0,
        "test_pixels": len(test),
        "fields": int(fields.max()),
        "trained": len(trained),
        "tested": len(tested),
        "both": len(np.intersect1d(trained, tested)),
        "training_clumps": int(number_fields(np.where(split.role == TRAIN, labels, 0)).max()),
    }


def fields_in_words(fields: Mapping[str, float]) -> str:
    """The figures of `count_fields` as a sentence."""
    return (
        f"{fields['test_pixels_in_trained_fields']:.1%} of the {fields['test_pixels']:,} test pixels lie in a field "
        f"that holds training pixels: {fields['both']:,} of the {fields['tested']:,} fields that are tested. The "
        f"training pixels make {fields['training_clumps']:,} connected pieces."
    )


def count_polygons(split: Split, polygons: np.ndarray) -> dict[str, int]:
    """How many polygons train, validate and test, with one pixel at least, and how many do both of the outer two.

    Parameters
    ----------
    polygons
        (rows, cols) int, from 1 on; 0 elsewhere.

    Returns
    -------
    counts
        ``train``, ``validation``, ``test``, and ``on_both_sides``: those that test and train.
    """
    members = {
        name: np.setdiff1d(polygons[split.role == role], 0)
        for name, role in (("train", TRAIN), ("validation", VALIDATION), ("test", TEST))
    }
    both = np.intersect1d(members["train"], members["test"])
    return {**{name: len(found) for name, found in members.items()}, "on_both_sides": len(both)}


def _polygons_told(counts: dict[str, int]) -> str:
    if not counts["on_both_sides"]:
        return f"None of the {counts['test']} polygons that test also trains."
    return (
        f"{counts['on_both_sides']} of the {counts['test']} polygons that test also train: pixels of one polygon are "
        "alike, so their accuracy is that of filling polygons in; split=polygons keeps each on one side."
    )


def accuracy_by_distance(distance: np.ndarray, right: np.ndarray) -> list[dict[str, float]]:
    """Accuracy of test pixels against their distance to the nearest training pixel.

    Parameters
    ----------
    distance
        (N,) int, 1 or more.
    right
        (N,) bool.

    Returns
    -------
    bins
        One for each of the distances 1, 2, 3-4, 5-8, 9-16... that occurs: ``from``, ``to`` (inclusive), ``pixels``,
        ``accuracy``, and ``low``, ``high``, the 95 % interval of Wilson, "Probable inference, the law of succession,
        and statistical inference", JASA 1927. It takes pixels as independent; neighbours are not, so it is too narrow.
    """
    bins = []
    number = np.ceil(np.log2(distance)).astype(int)  # bin b holds 2**(b - 1) + 1 .. 2**b
    for b in np.unique(number):
        hits = right[number == b]
        interval = binomtest(int(hits.sum()), len(hits)).proportion_ci(0.95, method="wilson")
        bins.append(
            {
                "from": 2 ** int(b) // 2 + 1 if b else 1,
                "to": 2 ** int(b),
                "pixels": len(hits),
                "accuracy": float(hits.mean()),
                "low": float(interval.low),
                "high": float(interval.high),
            }
        )
    return bins


def _covered(seen: np.ndarray, window: int, region: np.ndarray | None, valid: np.ndarray | None) -> np.ndarray:
    """Share of each window, of its part inside the scene and the region, that is `seen`: (rows, cols) float64.

    Pixels that hold no data are no part of a window; their own share is 0.
    """
    share = np.zeros(seen.shape)
    for side in [np.ones_like(seen)] if region is None else [region == value for value in np.unique(region)]:
        inside = side if valid is None else side & valid
        part, whole = (uniform_filter(a * 1.0, window, mode="constant") for a in (seen & inside, inside))
        share[inside] = (part[inside] / whole[inside]).clip(0, 1)
    return share
