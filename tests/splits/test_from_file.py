import numpy as np
import pytest
from conftest import configure
from hypothesis import given
from hypothesis import strategies as st
from label_images import label_images
from PIL import Image
from scipy.io import savemat

from hsi.config.build import build
from hsi.errors import HsiError
from hsi.recipes import compose_settings, split_of
from hsi.splits.from_file import split_from_file
from hsi.splits.random import random_split
from hsi.splits.regions import regions_split
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION, Split, save_split

LABELS = np.array([[1, 1, 1, 0], [2, 2, 2, 0], [3, 3, 3, 3]])
ROLES = np.array([[1, 2, 3, 0], [1, 3, 0, 0], [3, 1, 1, 3]], np.uint8)


def write(path, array):
    match path.suffix:
        case ".npy":
            np.save(path, array)
        case ".npz":
            np.savez(path, role=array)
        case ".mat":
            savemat(path, {"roles": array})
        case ".tif":
            Image.fromarray(array).save(path, compression="tiff_lzw")
    return path


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".mat", ".tif"])
@given(labels=label_images, seed=st.integers(0, 9))
def test_roles_come_back_from_every_format(tmp_path_factory, suffix, labels, seed):
    split = random_split(labels, validation=0.1, seed=seed)
    path = write(tmp_path_factory.mktemp("split") / f"split{suffix}", split.role)
    again = split_from_file(labels, path=path)
    assert again.hash == split.hash
    assert again.notes == ()


def test_a_saved_split_brings_its_regions(tmp_path):
    split = regions_split(LABELS)
    save_split(tmp_path / "split.npz", split)
    assert split_from_file(LABELS, path=tmp_path / "split.npz").hash == split.hash


def test_a_saved_split_that_does_not_fit_or_is_damaged(tmp_path):
    path = tmp_path / "split.npz"
    save_split(path, Split(ROLES, np.ones((2, 2), np.uint8)))
    with pytest.raises(HsiError, match=r"split\.npz has 2 x 2 pixels, the scene 3 x 4"):
        split_from_file(LABELS, path=path)
    content = bytearray(path.read_bytes())
    content[content.rindex(b"role.npy") - 30] ^= 255  # its checksum in the archive's directory
    path.write_bytes(content)
    with pytest.raises(HsiError, match="damaged or cut short"):
        split_from_file(LABELS, path=path)


def test_roles_of_unlabelled_pixels_are_unused_and_counted(tmp_path):
    roles = ROLES.copy()
    roles[:2, 3] = TEST
    split = split_from_file(LABELS, path=write(tmp_path / "roles.npy", roles))
    assert (split.role == ROLES).all()
    assert split.notes == ("2 pixels have a role in roles.npy and no label in the scene: they are unused",)


def test_a_training_mask_with_its_own_class_order_and_its_conflicts(tmp_path):
    mask = np.array([[7, 0, 9, 9], [8, 0, 0, 0], [9, 9, 0, 0]])  # 7, 8, 9 mean 1, 2, 3
    split = split_from_file(
        LABELS, path=write(tmp_path / "mask.npy", mask), content="training", classes={7: 1, 8: 2, 9: 3}
    )
    assert split.role.tolist() == [
        [TRAIN, TEST, UNUSED, UNUSED],
        [TRAIN, TEST, TEST, UNUSED],
        [TRAIN, TRAIN, TEST, TEST],
    ]
    assert split.notes == (
        "2 of the 6 training pixels of mask.npy disagree with the scene's labels and are unused: "
        "1 are unlabelled there, 1 have another class",
    )


def test_the_published_mask_as_it_is_configured(tmp_path, indian_pines):
    """A mask in the published order, with the published conflicts: 151 on unlabelled ground, 10 of class 7 as 4."""
    config = configure("split=grss_dase").split
    assert config.path == f"{configure().data_dir}/indian_pines/indianpines_disjoint_dset.mat"
    order = {meaning: value for value, meaning in config.classes.items()}
    assert sorted(order) == list(range(1, 17))
    mask = np.zeros_like(indian_pines.labels)
    for k in range(1, 17):
        members = np.flatnonzero(indian_pines.labels == k)
        mask.ravel()[members[: len(members) // 2]] = order[k]
    mowed = np.flatnonzero(indian_pines.labels == 7)  # 28 pixels: 16 train, 10 conflict, 2 test
    mask.ravel()[mowed[:16]], mask.ravel()[mowed[16:26]] = order[7], order[11]
    mask.ravel()[np.flatnonzero(indian_pines.labels == 0)[:151]] = 1
    savemat(tmp_path / "mask.mat", {"indianpines_disjoint_dset": mask.astype(np.uint8)})
    split = build(config, "split", path=str(tmp_path / "mask.mat"), sha256=None)(indian_pines.labels)
    (note,) = split.notes
    assert note.startswith(f"161 of the {(mask > 0).sum()} training pixels of mask.mat disagree")
    assert note.endswith("151 are unlabelled there, 10 have another class")
    assert [(split.role[indian_pines.labels == 7] == role).sum() for role in (TRAIN, TEST, UNUSED)] == [16, 2, 10]


def test_two_masks(tmp_path):
    train = (ROLES == TRAIN) * 1
    savemat(tmp_path / "masks.mat", {"tr": train, "te": (ROLES == TEST) * 1})
    split = split_from_file(LABELS, path=tmp_path / "masks.mat", key="tr", content="training", test_key="te")
    assert (split.role == np.where(ROLES == VALIDATION, UNUSED, ROLES)).all()
    with pytest.raises(HsiError, match="4 pixels are in the training and in the test mask"):
        split_from_file(LABELS, path=tmp_path / "masks.mat", key="tr", content="training", test_key="tr")


@pytest.mark.parametrize(
    ("mask", "unlabelled", "contrary"),
    [([[1, 0, 1, 1], [2, 0, 0, 0], [3, 0, 0, 0]], 1, 0), ([[1, 0, 2, 0], [2, 0, 0, 0], [3, 0, 0, 0]], 0, 1)],
)
def test_conflicts_of_either_kind_are_told(tmp_path, mask, unlabelled, contrary):
    path = write(tmp_path / "mask.npy", np.array(mask))
    split = split_from_file(LABELS, path=path, content="training", classes={1: 1, 2: 2, 3: 3})
    assert split.role.dtype == np.uint8
    (note,) = split.notes
    assert f"{unlabelled} are unlabelled there, {contrary} have another class" in note


def test_a_second_mask_in_a_file_of_its_own(tmp_path):
    train, test = (write(tmp_path / f"{name}.npy", (role == ROLES) * 1) for name, role in (("tr", TRAIN), ("te", TEST)))
    split = split_from_file(LABELS, path=train, content="training", test_path=str(test))
    assert (split.role == np.where(ROLES == VALIDATION, UNUSED, ROLES)).all()
    write(tmp_path / "te.npy", ROLES[:2])
    with pytest.raises(HsiError, match=r"te\.npy has 2 x 4 pixels"):
        split_from_file(LABELS, path=train, content="training", test_path=test)


def changed(row, col, value):
    roles = ROLES.astype(float)
    roles[row, col] = value
    return roles


@pytest.mark.parametrize(
    ("array", "asked", "message"),
    [
        (ROLES[:2], {}, r"split\.npy has 2 x 4 pixels, the scene 3 x 4"),
        (changed(0, 0, 4), {}, "holds the value 4"),
        (changed(0, 0, -1), {}, r"split\.npy holds the value -1"),
        (ROLES * (LABELS != 1), {}, "leaves class 1 without a training pixel"),
        (changed(0, 0, 0.5), {}, "whole numbers"),
        (changed(0, 0, np.nan), {}, "whole numbers"),
        (changed(1, 0, 0), {}, r"split\.npy leaves class 2 without a training pixel"),
        (changed(1, 1, 0), {}, "leaves class 2 without a test pixel"),
        (
            ROLES,
            {"content": "training", "classes": {1: 1, 2: 2}},
            r"split\.npy holds class 3, which split.classes do",
        ),
        (ROLES, {"content": "training", "classes": {1: 1, 2: 2, 3: 4}}, "names class 4, the scene has classes 1 to 3"),
        (ROLES, {"key": "roles"}, "leave the key out"),
    ],
)
def test_faults_are_told_in_a_sentence(tmp_path, array, asked, message):
    path = write(tmp_path / "split.npy", array)
    with pytest.raises(HsiError, match=message):
        split_from_file(LABELS, path=path, **asked)


def test_an_unknown_content_is_told_what_there_is():
    with pytest.raises(HsiError, match=r"split\.content=mask: choose roles or training"):
        build(configure("split=from_file", "split.content=mask").split, "split")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".mat", ".tif", ".txt"])
@pytest.mark.parametrize("content", [None, b"", b"no such format"])
def test_missing_and_damaged_files_are_told_in_a_sentence(tmp_path, suffix, content):
    path = tmp_path / f"split{suffix}"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(HsiError, match=str(path)):
        split_from_file(LABELS, path=path)


def test_a_file_must_be_named_and_its_array_be_found(tmp_path):
    with pytest.raises(HsiError, match=r"split\.path is not set"):
        build(configure("split=from_file").split, "split")(LABELS)
    savemat(tmp_path / "two.mat", {"a": ROLES, "b": ROLES})
    with pytest.raises(HsiError, match=r"name the right one with split\.key="):
        split_from_file(LABELS, path=tmp_path / "two.mat")
    np.savez(tmp_path / "two.npz", a=ROLES)
    with pytest.raises(HsiError, match=r"no array 'role', it holds: a \(3, 4\); set split\.key"):
        split_from_file(LABELS, path=tmp_path / "two.npz")


def published(tmp_path, indian_pines):
    """Two masks of the scene in the order of the published 695, with one label on bare ground in each."""
    classes = configure("split=spectralformer_695").split.classes
    order = np.zeros(17, np.uint8)
    for value, meaning in classes.items():
        order[meaning] = value
    labels = indian_pines.labels
    train = np.zeros(labels.shape, bool)
    for k in range(1, 17):
        train.ravel()[np.flatnonzero(labels == k)[:10]] = True
    masks = [np.where(chosen, order[labels], 0).astype(np.uint8) for chosen in (train, ~train)]
    for mask, bare in zip(masks, np.flatnonzero(labels == 0)[:2], strict=True):
        mask.ravel()[bare] = 3
    for mask, name in zip(masks, ("TR", "TE"), strict=True):
        Image.fromarray(mask).save(tmp_path / f"Indian{name}123_temp123.tif")
    return train


def test_the_695_as_they_are_configured(tmp_path, indian_pines):
    train = published(tmp_path, indian_pines)
    words = [
        f"split.{key}={tmp_path}/Indian{name}123_temp123.tif" for key, name in (("path", "TR"), ("test_path", "TE"))
    ]
    tree, _ = compose_settings(["split=spectralformer_695", *words, "split.sha256=null", "split.test_sha256=null"])
    assert sorted(tree["split"]["classes"].values()) == list(range(1, 17))
    split = split_of(indian_pines, tree["split"])
    assert (split.role == np.where(indian_pines.labels == 0, UNUSED, np.where(train, TRAIN, TEST))).all()
    assert split.notes[:2] == tuple(
        f"1 of the {count} {kind} pixels of Indian{name}123_temp123.tif disagree with the scene's labels and are "
        "unused: 1 are unlabelled there, 0 have another class"
        for count, kind, name in ((161, "training", "TR"), (10249 - 160 + 1, "test", "TE"))
    )
    with pytest.raises(
        HsiError, match=r"IndianTR123_temp123\.tif is not the published file, .* 9f7cb2ca: .* split\.sha256=null"
    ):
        split_of(indian_pines, {**tree["split"], "sha256": "9f7cb2ca" + "0" * 56})
    with pytest.raises(HsiError, match=r"TE123_temp123\.tif is not the published file, .* split\.test_sha256=null"):
        split_of(indian_pines, {**tree["split"], "test_sha256": "0" * 64})


@pytest.mark.parametrize(
    ("name", "file"),
    [("spectralformer_695", "IndianTR123_temp123.tif"), ("grss_dase", "indianpines_disjoint_dset.mat")],
)
def test_a_published_mask_that_is_not_there_says_where_to_put_it(tmp_path, name, file):
    tree, _ = compose_settings([f"split={name}", f"data_dir={tmp_path}"])
    place = tmp_path / "indian_pines" / file
    with pytest.raises(HsiError) as error:
        build(tree["split"], "split")(LABELS)
    assert str(error.value) == (
        f"{place} is missing, and hsi does not ship it: put the published file there, or name it by split.path="
    )


def test_classes_of_a_test_mask_that_disagree_are_unused(tmp_path):
    """With one value for all it names no class; with two it does."""
    train = write(tmp_path / "tr.npy", np.array([[1, 0, 0, 0], [2, 0, 0, 0], [3, 3, 0, 0]]))
    second = np.array([[0, 1, 2, 0], [0, 2, 0, 0], [0, 0, 3, 0]])
    classes = {1: 1, 2: 2, 3: 3}
    test = write(tmp_path / "te.npy", second)
    split = split_from_file(LABELS, path=train, content="training", classes=classes, test_path=test)
    assert split.role.tolist() == [[TRAIN, TEST, 0, 0], [TRAIN, TEST, 0, 0], [TRAIN, TRAIN, TEST, 0]]
    assert "1 of the 4 test pixels of te.npy disagree" in split.notes[0]
    write(tmp_path / "te.npy", (second > 0) * 1)
    split = split_from_file(LABELS, path=train, content="training", classes=classes, test_path=test)
    assert split.role.tolist() == [[TRAIN, TEST, TEST, 0], [TRAIN, TEST, 0, 0], [TRAIN, TRAIN, TEST, 0]]
    assert split.notes == ()
