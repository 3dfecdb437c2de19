import re
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import spectral
from hydra.utils import instantiate
from omegaconf import OmegaConf
from omegaconf.errors import MissingMandatoryValue
from PIL import Image
from spectral.io import envi
from spectral.io.aviris import read_aviris_bands

from hsi.config.build import build
from hsi.errors import HsiError
from hsi.files import file_checksum
from hsi.georeference import Georeference
from hsi.recipes import compose_settings
from hsi.runs.identity import config_hash, plain
from hsi.scenes.assemble import from_arrays, require_classes
from hsi.scenes.custom import load_custom
from hsi.scenes.palette import OKABE_ITO
from hsi.scenes.published import load_published

SCENES = Path(__file__).parents[2] / "conf" / "scene"
PUBLISHED = {
    "indian_pines": 16,
    "salinas": 16,
    "salinas_a": 6,
    "pavia_u": 9,
    "pavia_centre": 9,
    "ksc": 13,
    "botswana": 14,
}
LABELS = np.array([[0, 1, 10], [14, 10, 1], [0, 14, 14], [0, 0, 1]])
CUBE = np.arange(4 * 3 * 5, dtype=np.uint16).reshape(4, 3, 5)


@pytest.mark.parametrize("cube", [CUBE.astype(complex), CUBE > 3, CUBE[:, :, :0], CUBE[:, :, 0]])
def test_bad_cubes(cube):
    with pytest.raises(HsiError, match="real numbers"):
        from_arrays(cube, LABELS)


def test_bad_band_descriptions():
    with pytest.raises(HsiError, match=r"three bands from 0 to 4, not \[0, 1, 5\]"):
        from_arrays(CUBE, LABELS, rgb_bands=[0, 1, 5])
    with pytest.raises(HsiError, match=r"scene\.rgb_bands=\[0, 1\]: give three bands counted from 0"):
        from_arrays(CUBE, LABELS, rgb_bands=[0, 1])
    with pytest.raises(HsiError, match=r"scene\.wavelengths=.*: give a list, each a positive number"):
        from_arrays(CUBE, LABELS, wavelengths=[400, 500, 600, 700, -1])
    with pytest.raises(HsiError, match=r"unknown key scene\.clases: did you mean classes\?"):
        from_arrays(CUBE, LABELS, clases=["a", "b", "c"])
    with pytest.raises(HsiError, match="4 wavelengths for 5 bands"):
        from_arrays(CUBE, LABELS, wavelengths=[400, 500, 600, 700])


def test_training_needs_two_classes_and_predicting_none():
    require_classes(from_arrays(CUBE, LABELS))
    for labels in (None, LABELS * 0):
        scene = from_arrays(CUBE, labels, classes=["a", "b"])
        assert (scene.num_classes, scene.class_names, scene.class_counts.size) == (0, (), 0)
        with pytest.raises(HsiError, match="no pixel is labelled"):
            require_classes(scene)
    with pytest.raises(HsiError, match=r"only one class is labelled.*'class 7'"):
        require_classes(from_arrays(CUBE, (LABELS > 1) * 7))


def lightness_and_hue(colour: str) -> np.ndarray:
    """CIE L*a*b* of '#rrggbb' under D65 (IEC 61966-2-1)."""
    encoded = np.frombuffer(bytes.fromhex(colour[1:]), dtype=np.uint8) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    primaries = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = primaries @ linear / [0.95047, 1, 1.08883]
    root = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


# Scenes of conf/scene


def composed(name: str, data_dir: Path = Path("data"), **changes):
    """Return a scene's configuration inside a main one, which knows the data folder."""
    scene = OmegaConf.merge(OmegaConf.load(SCENES / f"{name}.yaml"), changes)
    return OmegaConf.create({"data_dir": str(data_dir), "scene": scene}).scene


def test_every_scene_is_listed():
    assert {path.stem for path in SCENES.glob("*.yaml")} == {*PUBLISHED, "custom", "synthetic", "tiles"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_scene_is_described_in_full(name):
    scene = OmegaConf.to_container(composed(name), resolve=True)
    assert scene["name"] == name
    assert len(scene["classes"]) == PUBLISHED[name]
    points = np.array([lightness_and_hue(colour) for colour in scene["classes"].values()])
    distances = np.linalg.norm(points[:, None] - points, axis=2)[np.triu_indices(len(points), 1)]
    assert distances.min() > 20  # ten times what an eye just notices
    for part in (scene["cube"], scene["labels"]):
        assert set(part) == {"file", "key", "checksum", "sources"}
        assert part["sources"][0].startswith("https://www.ehu.eus/ccwintco/uploads/")
        assert all(source.endswith("/" + part["file"]) for source in part["sources"])
        kind, _, digest = (part["checksum"] or "none:").partition(":")
        assert len(digest) == {"sha256": 64, "git-blob": 40, "none": 0}[kind]
        assert kind != "none" or part["file"] == "KSC.mat"
    assert len(scene["rgb_bands"]) == 3


def write_published(folder: Path, **changes):
    """Put a small scene into a data folder and return its configuration, as if it were published."""
    (folder / "salinas_a").mkdir()
    files = {"cube": folder / "salinas_a" / "SalinasA_corrected.mat", "labels": folder / "SalinasA_gt.mat"}
    labels = np.array([[0, 1, 10, 11], [12, 13, 14, 14]])
    scipy.io.savemat(files["cube"], {"salinasA_corrected": np.arange(480, dtype=np.int16).reshape(2, 4, 60)})
    scipy.io.savemat(files["labels"], {"salinasA_gt": labels})
    checksums = {part: {"checksum": file_checksum(path, "git-blob")} for part, path in files.items()}
    return composed("salinas_a", data_dir=folder, **checksums, **changes)


def test_published_scene_through_its_yaml(tmp_path):
    config = write_published(tmp_path, ignored_labels=[11])
    scene = build(config, "scene")
    assert scene.label_values == (1, 10, 12, 13, 14)
    assert scene.class_names[1] == "Corn_senesced_green_weeds"
    assert scene.colours == tuple(colour for name, colour in config.classes.items() if name[-3:] != "4wk")
    np.testing.assert_array_equal(scene.labels, [[0, 1, 2, 0], [3, 4, 5, 5]])
    assert scene.rgb_bands == (43, 21, 11)
    assert set(scene.checksums) == {"SalinasA_corrected.mat", "SalinasA_gt.mat"}
    assert all(checksum.startswith("sha256:") for checksum in scene.checksums.values())


def test_published_scene_that_was_tampered_with(tmp_path):
    config = write_published(tmp_path)
    with (tmp_path / "SalinasA_gt.mat").open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(HsiError, match=r"SalinasA_gt\.mat is not the published file"):
        build(config, "scene")


def test_published_loader_takes_plain_mappings(tmp_path):
    config = OmegaConf.to_container(write_published(tmp_path), resolve=True)
    scene = load_published(**{key: value for key, value in config.items() if not key.startswith("_")})
    assert scene.num_classes == 6


@pytest.mark.parametrize("name", PUBLISHED)
def test_bands_are_as_many_as_the_scene_has_and_none_lies_in_water(name):
    scene = composed(name)
    said = int(re.search(r"(\d+) bands", (SCENES / f"{name}.yaml").read_text())[1])
    centres = np.array(scene.get("band_centres") or np.linspace(*scene.get("band_range", (500, 800)), said))
    assert len(centres) == said
    assert 350 < centres.min() < centres.max() < 2600
    assert not ((centres > 1363) & (centres < 1402) | (centres > 1819) & (centres < 1933)).any()


def test_bands_of_indian_pines_are_those_of_the_sensors_calibration(indian_pines):
    """Spectral Python carries the calibration of the 220 bands; the header of our file says which are left out."""
    found = read_aviris_bands(str(Path(spectral.__file__).parent / "tests/data/92AV3C.spc")).centers
    gone = [*range(104, 109), *range(150, 164), 220]
    np.testing.assert_allclose(indian_pines.wavelengths, np.delete(found, np.array(gone) - 1), atol=0.005)
    assert not indian_pines.nominal


def test_of_a_range_that_is_published_wavelengths_are_nominal(tmp_path):
    config = OmegaConf.to_container(write_published(tmp_path), resolve=True)
    assert build(config, "scene").wavelengths is None
    ranged = build(config | {"band_range": [430, 860]}, "scene")
    np.testing.assert_allclose(ranged.wavelengths, 430 + 430 / 59 * np.arange(60))
    assert ranged.nominal
    listed = build(config | {"band_centres": list(range(400, 460))}, "scene")
    assert (listed.wavelengths.tolist(), listed.nominal) == (list(range(400, 460)), False)
    with pytest.raises(HsiError, match="2 wavelengths for 60 bands"):
        build(config | {"band_centres": [1, 2]}, "scene")


def test_what_wavelengths_say_is_no_part_of_a_run():
    """Runs that were made before the scenes had any are the same runs."""
    for name in ("indian_pines", "botswana", "pavia_u"):
        tree, _ = compose_settings([f"scene={name}"])
        before = {key: value for key, value in tree["scene"].items() if not key.startswith("band_")}
        assert before != tree["scene"]
        assert config_hash(tree) == config_hash(tree | {"scene": before})
        assert not any(key.startswith("band_") for key in plain(tree)["scene"])
    assert config_hash(compose_settings([])[0]).startswith("51a5a2bd")


def test_indian_pines(indian_pines):
    assert indian_pines.cube.shape == (145, 145, 200)
    assert indian_pines.cube.dtype == np.uint16
    assert (indian_pines.cube.min(), indian_pines.cube.max()) == (955, 9604)
    counts = [46, 1428, 830, 237, 483, 730, 28, 478, 20, 972, 2455, 593, 205, 1265, 386, 93]
    np.testing.assert_array_equal(indian_pines.class_counts, counts)
    assert indian_pines.class_names[8] == "Oats"
    assert indian_pines.label_values == tuple(range(1, 17))


# Custom scenes


@pytest.mark.parametrize("format_", ["v5", "v7.3", "npy", "npz", "tif", "envi"])
def test_custom_scene_in_every_format(tmp_path, monkeypatch, format_):
    monkeypatch.chdir(tmp_path)  # relative paths count from here
    if format_ == "v5":
        scipy.io.savemat("scene.mat", {"cube": CUBE, "labels": LABELS})
        files = {"cube": "scene.mat", "labels": "scene.mat"}
    elif format_ == "v7.3":
        with h5py.File("scene.mat", "w") as file:
            file["cube"], file["labels"] = CUBE.T, LABELS.T
        files = {"cube": "scene.mat", "labels": "scene.mat"}
    elif format_ == "npy":
        np.save("cube.npy", CUBE)
        np.save("labels.npy", LABELS)
        files = {"cube": "cube.npy", "labels": "labels.npy"}
    elif format_ == "npz":
        np.savez("scene.npz", cube=CUBE, labels=LABELS, wavelengths=np.arange(5.0))
        files = {"cube": "scene.npz", "labels": "scene.npz"}
    elif format_ == "tif":
        first, *rest = (Image.fromarray(CUBE[:, :, band]) for band in range(5))
        first.save("cube.tif", save_all=True, append_images=rest)
        Image.fromarray(LABELS.astype(np.uint8)).save("labels.tiff")
        files = {"cube": "cube.tif", "labels": "labels.tiff"}
    else:
        metadata = {"wavelength": [0.5, 0.6, 0.7, 0.8, 0.9], "wavelength units": "Micrometers"}
        metadata |= {"default bands": [3, 2, 1], "map info": ["Arbitrary", 1, 1, 100, 200, 5, 5]}
        envi.save_image("cube.hdr", CUBE, dtype=np.uint16, metadata=metadata)
        envi.save_image("labels.hdr", LABELS.astype(np.uint8)[:, :, None])
        files = {"cube": "cube.hdr", "labels": "labels.hdr"}
    scene = build(composed("custom", classes=["a", "b", "c"], **files), "scene")
    np.testing.assert_array_equal(scene.cube, CUBE)
    np.testing.assert_array_equal(scene.labels, [[0, 1, 2], [3, 2, 1], [0, 3, 3], [0, 0, 1]])
    assert scene.cube.dtype == np.uint16
    assert scene.class_names == ("a", "b", "c")
    assert scene.colours == OKABE_ITO[:3]
    if format_ == "envi":
        np.testing.assert_allclose(scene.wavelengths, [500, 600, 700, 800, 900])
        assert scene.georeference == Georeference((5, 0, 100, 0, -5, 200))
        assert scene.rgb_bands == (2, 1, 0)
        assert set(scene.checksums) == {"cube.hdr", "cube.img", "labels.hdr", "labels.img"}
    else:
        assert (scene.wavelengths, scene.georeference, scene.rgb_bands) == (None, None, None)
        assert set(scene.checksums) == set(files.values())


def test_custom_scene_without_labels_and_what_is_told_wins(tmp_path):
    envi.save_image(str(tmp_path / "cube.hdr"), CUBE, metadata={"wavelength": [1, 2, 3, 4, 5]})
    scene = load_custom(
        tmp_path / "cube.hdr", None, name="new", wavelengths=[400, 410, 420, 430, 440], rgb_bands=[4, 2, 0]
    )
    assert scene.num_classes == 0
    np.testing.assert_array_equal(scene.labels, np.zeros((4, 3)))
    np.testing.assert_array_equal(scene.wavelengths, [400, 410, 420, 430, 440])
    assert scene.rgb_bands == (4, 2, 0)


def test_files_of_one_name_keep_their_own_checksums(tmp_path):
    for folder, array in (("cube", CUBE), ("truth", LABELS)):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "data.npy", array)
    scene = load_custom(tmp_path / "cube" / "data.npy", tmp_path / "truth" / "data.npy")
    assert set(scene.checksums) == {"cube/data.npy", "truth/data.npy"}
    assert scene.checksums["truth/data.npy"] == file_checksum(tmp_path / "truth" / "data.npy")


def test_custom_scene_must_be_told_its_files():
    with pytest.raises(MissingMandatoryValue):
        instantiate(composed("custom", labels=None))


def test_synthetic_scene_through_its_yaml():
    scene = build(composed("synthetic", rows=24, cols=30, classes=2), "scene")
    assert scene.cube.shape == (24, 30, 60)
    assert scene.num_classes == 2
