"""Training pixels that teach nothing: those of one class all alike, or no other than those of another class."""

import numpy as np

from hsi.cube import blocks
from hsi.scene import Scene
from hsi.splits.roles import TRAIN, Split

WORD = np.uint32  # what a spectrum is cut into for its fingerprint
NAMED = 5  # classes in a sentence


def notes_on(scene: Scene, split: Split) -> tuple[str, ...]:
    """A sentence on classes whose training pixels have one spectrum, and one on each that spectra do not tell apart.

    Classes are called by their numbers, 1..K.
    """
    train = split.role == TRAIN
    prints, classes = _fingerprints(scene, train), scene.labels[train]
    spectra = {int(k): set(prints[classes == k].tolist()) for k in np.unique(classes)}
    alike = [k for k, found in spectra.items() if len(found) == 1 and (classes == k).sum() > 1]
    notes = []
    if alike:
        notes.append(f"{_classes(alike)}: all training pixels of a class have one and the same spectrum")
    for k, found in spectra.items():
        others = [other for other, theirs in spectra.items() if other != k and found & theirs]
        if others and found <= set().union(*(spectra[other] for other in others)):
            notes.append(
                f"class {k}: each of its training spectra is one of {_classes(others)} too, so that spectra do not "
                "tell them apart"
            )
    return tuple(notes)


def _fingerprints(scene: Scene, chosen: np.ndarray) -> np.ndarray:
    """A number (N,) uint64 of the spectrum of each chosen pixel: the same for the same, and hardly for any other."""
    size = -(-scene.bands * scene.cube.dtype.itemsize // WORD().itemsize)
    factors = np.random.default_rng(0).integers(0, 2**64, size, dtype=np.uint64)
    found = [np.empty(0, dtype=np.uint64)]
    for first, last, values in blocks(scene.cube):
        spectra = values[chosen[first:last]]
        content = spectra.view(np.uint8).reshape(len(spectra), -1)
        padded = np.pad(content, ((0, 0), (0, size * WORD().itemsize - content.shape[1])))
        found.append((padded.view(WORD) * factors).sum(axis=1, dtype=np.uint64))
    return np.concatenate(found)


def _classes(numbers: list[int]) -> str:
    return ", ".join(f"class {k}" for k in numbers[:NAMED]) + (", ..." if len(numbers) > NAMED else "")
