"""Readers of NumPy and MATLAB files."""

from pathlib import Path

import h5py
import numpy as np
import scipy.io

from .doors import BANDS, COLS, CUBE, LABELS, ROWS, each, read_cube, read_image
from .targets import Target


def npy_cubes(folder: Path) -> list[Path]:
    return each(
        folder,
        rows_npy=lambda path: np.save(path, CUBE),
        columns_npy=lambda path: np.save(path, np.asfortranarray(CUBE.astype(">i2"))),
        float_npy=lambda path: np.save(path, CUBE.astype(np.float32) / 1000),
    )


def npy_labels(folder: Path) -> list[Path]:
    return each(
        folder,
        rows_npy=lambda path: np.save(path, LABELS),
        columns_npy=lambda path: np.save(path, np.asfortranarray(LABELS.astype(np.float64))),
    )


def npz_cubes(folder: Path) -> list[Path]:
    return each(
        folder,
        packed_npz=lambda path: np.savez_compressed(path, cube=CUBE, labels=LABELS),
        plain_npz=lambda path: np.savez(path, cube=CUBE.astype(">f4")),
    )


def mat_cubes(folder: Path) -> list[Path]:
    """The last holds a cell array, a struct, text, a sparse matrix and complex numbers beside the cube."""
    cell = np.array([CUBE[0].astype(float), "text", np.zeros((2, 2))], dtype=object)
    mixed = {
        "cells": cell,
        "settings": {"gain": 2.0, "name": "sensor", "parts": cell},
        "cube": CUBE,
        "text": "some text",
        "sparse": scipy.sparse.eye_array(5, format="csc"),
        "complex": np.ones((3, 3), complex),
        "yes": np.ones((4, 4), bool),
    }
    return each(
        folder,
        plain_mat=lambda path: scipy.io.savemat(path, {"cube": CUBE}),
        packed_mat=lambda path: scipy.io.savemat(path, {"cube": CUBE, "labels": LABELS}, do_compression=True),
        mixed_mat=lambda path: scipy.io.savemat(path, mixed),
        mixed_packed_mat=lambda path: scipy.io.savemat(path, mixed, do_compression=True),
    )


def mat_matrices(folder: Path) -> list[Path]:
    beside = {"nRow": ROWS, "nCol": COLS, "Y": CUBE.transpose(1, 0, 2).reshape(-1, BANDS).T}
    return each(
        folder,
        plain_mat=lambda path: scipy.io.savemat(path, beside),
        packed_mat=lambda path: scipy.io.savemat(path, beside, do_compression=True),
    )


def mat_4(folder: Path) -> list[Path]:
    arrays = {"labels": LABELS.astype(float), "text": "some text", "sparse": scipy.sparse.eye_array(3, format="csc")}
    return each(
        folder,
        one_mat=lambda path: scipy.io.savemat(path, {"labels": LABELS.astype(float)}, format="4"),
        all_mat=lambda path: scipy.io.savemat(path, arrays, format="4"),
    )


def write_v73(path: Path, **layout: object) -> None:
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in (("cube", CUBE.T), ("nRow", np.full((1, 1), float(ROWS)))):
            file.create_dataset(name, data=array, **(layout if name == "cube" else {}))
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
        file["note"] = np.array([[104], [105]], dtype=np.uint16)
        file["note"].attrs["MATLAB_class"] = np.bytes_("char")
        file["#refs#/a"] = np.zeros((2, 2, 2))
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file".ljust(512, b" "))


def mat_73(folder: Path) -> list[Path]:
    return each(
        folder,
        plain_mat=write_v73,
        packed_mat=lambda path: write_v73(path, chunks=(3, 3, 4), compression="gzip", shuffle=True),
        null_mat=lambda path: write_null(path),
    )


def write_null(path: Path) -> None:
    write_v73(path)
    with h5py.File(path, "a") as file:
        file["nothing"] = h5py.Empty("f8")
        file.create_dataset("scalar", data=3.0)


TARGETS = (
    Target("npy cube", npy_cubes, read_cube),
    Target("npy labels", npy_labels, read_image),
    Target("npz cube", npz_cubes, read_cube),
    Target("mat 5 cube", mat_cubes, read_cube),
    Target("mat 5 matrix", mat_matrices, read_cube),
    Target("mat 4 labels", mat_4, read_image),
    Target("mat 7.3 cube", mat_73, read_cube),
)
