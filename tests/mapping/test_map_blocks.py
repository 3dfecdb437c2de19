"""A map made block by block is the map, whatever the blocks."""

from math import ceil

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from hsi.cube import LazyCube
from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine, forward
from hsi.errors import HsiError
from hsi.mapping.blocks import PROCESS, Block, Seen, Task, look_at, map_block, map_blocks, plan, plan_within
from hsi.mapping.scene_map import Mapper, MapSettings, map_scene
from hsi.reduce import Reducer
from hsi.scenes.assemble import from_arrays

CPU = torch.device("cpu")
ROWS, COLS, COMPONENTS, CLASSES = 13, 16, 3, 4
PADDINGS = ["zero", "reflect", "edge"]


def network(window, seed=0, dtype=torch.float64):
    """Two shared layers where the window has room for them; the head sees where in the window something lies."""
    torch.manual_seed(seed)
    side = window - 2 * min(2, window // 2)
    layers = (
        [nn.Conv2d(COMPONENTS, 5, 3), nn.Tanh(), nn.Conv2d(5, 4, 3)] if window >= 5 else [nn.Conv2d(COMPONENTS, 4, 3)]
    )
    if window == 1:
        layers = [nn.Conv2d(COMPONENTS, 4, 1)]
    head = nn.Sequential(nn.Flatten(), nn.Linear(4 * side * side, CLASSES))
    with torch.no_grad():
        head[1].weight.mul_(6)
    return WindowClassifier(nn.Sequential(*layers), head, COMPONENTS, window).to(dtype).eval()


def image_of(seed, dtype=np.float64, rows=ROWS, cols=COLS):
    return np.random.default_rng(seed).normal(size=(rows, cols, COMPONENTS)).astype(dtype)


def tensor_of(image):
    return torch.from_numpy(image).permute(2, 0, 1).contiguous()


def blocks_of(height, width, rows=ROWS, cols=COLS):
    return [
        Block(top, min(top + height, rows), left, min(left + width, cols))
        for top in range(0, rows, height)
        for left in range(0, cols, width)
    ]


def task_of(*members, keep=CLASSES, shape=(ROWS, COLS), classes=CLASSES):
    return Task(members, shape, CPU, classes, keep)


def look_of(image, valid=None, region=None):
    """A scene in memory, as the network sees it."""
    held = np.ones(image.shape[:2], dtype=bool) if valid is None else valid

    def look(rows, cols):
        return Seen(image[rows, cols], held[rows, cols], None if region is None else region[rows, cols])

    return look


def silent(_):
    pass


def assert_same(part, whole):
    np.testing.assert_array_equal(part.class_map, whole.class_map)
    assert part.class_map.dtype == whole.class_map.dtype
    np.testing.assert_allclose(part.confidence, whole.confidence, rtol=1e-6)
    np.testing.assert_allclose(part.probabilities, whole.probabilities, atol=1e-3)


def holes(seed, share=0.4):
    """Pixels with data: a border and single pixels have none."""
    valid = np.random.default_rng(seed).random((ROWS, COLS)) > share / 2
    valid[:2], valid[:, -3:] = False, False
    return valid


@settings(max_examples=40)
@given(
    height=st.integers(1, ROWS),
    width=st.integers(1, COLS),
    window=st.sampled_from([1, 3, 5, 9, 13]),
    padding=st.sampled_from(PADDINGS),
    symmetries=st.sampled_from([1, 8]),
    regions=st.sampled_from([None, "own", "free"]),
    empty=st.booleans(),
    mode=st.sampled_from(["dense", "patch"]),
    seed=st.integers(0, 100),
)
def test_every_cut_gives_the_same_map(height, width, window, padding, symmetries, regions, empty, mode, seed):
    model, image = network(window, seed), image_of(seed)
    region = None if regions is None else np.random.default_rng(seed).integers(0, 3, (ROWS, COLS)).astype(np.uint8)
    valid = holes(seed) if empty and padding != "reflect" else np.ones((ROWS, COLS), dtype=bool)
    how = MapSettings(symmetries=symmetries, context=regions or "own")
    engine = Engine(mode, padding=padding)
    whole = map_scene(model, tensor_of(image), engine=engine, settings=how, region=region, valid=valid)
    done = []
    task = task_of((Mapper(model, engine, how), look_of(image, valid, region)))
    assert_same(map_blocks(task, blocks_of(height, width), done.append), whole)
    assert sum(done) == ROWS * COLS * symmetries
    assert (whole.class_map[valid] > 0).all()
    assert not whole.class_map[~valid].any()
    assert np.isnan(whole.confidence[~valid]).all()
    assert np.isnan(whole.probabilities[~valid]).all()
    assert len(np.unique(whole.class_map)) > 1  # the comparison is of something


@pytest.mark.parametrize("symmetries", [1, 8])
@pytest.mark.parametrize("padding", PADDINGS)
def test_one_block_gives_the_very_bytes(padding, symmetries):
    model, image = network(5, dtype=torch.float32), image_of(1, np.float32)
    engine, how = Engine(padding=padding), MapSettings(symmetries=symmetries)
    whole = map_scene(model, tensor_of(image), engine=engine, settings=how)
    task = task_of(
        (Mapper(model, engine, how), lambda *place: Seen(image[place], np.ones(image[place].shape[:2], bool)))
    )
    block = map_blocks(task, [Block(0, ROWS, 0, COLS)], silent)
    for name in ("class_map", "confidence", "probabilities"):
        assert getattr(block, name).tobytes() == getattr(whole, name).tobytes(), name


@settings(max_examples=20)
@given(window=st.sampled_from([3, 5, 9]), fill=st.sampled_from([-1e9, 0.0, np.nan]), seed=st.integers(0, 100))
def test_pixels_without_data_are_what_lies_beyond_the_border(window, fill, seed):
    """Windows see zeros there, whatever the values are: compared with single windows of an image that has zeros."""
    model, image, valid = network(window, seed), image_of(seed), holes(seed)
    zeros = np.where(valid[:, :, None], image, 0)
    everything = torch.arange(ROWS * COLS)
    surest, winner = forward(model, tensor_of(zeros), everything, shared=False).detach().softmax(1).max(1)
    image[~valid] = fill
    found = map_scene(model, tensor_of(image), engine=Engine(), settings=MapSettings(), valid=valid)
    np.testing.assert_array_equal(found.class_map[valid], winner.view(ROWS, COLS).numpy()[valid] + 1)
    np.testing.assert_allclose(found.confidence[valid], surest.view(ROWS, COLS).numpy()[valid], rtol=1e-6)


@pytest.mark.parametrize("padding", ["zero", "edge"])
def test_a_scene_framed_by_nothing_maps_like_the_scene_alone(padding):
    model, image = network(5, dtype=torch.float32), image_of(3, np.float32)
    engine, how = Engine(padding=padding), MapSettings(symmetries=8)
    valid = np.zeros((ROWS, COLS), dtype=bool)
    valid[3:11, 2:15] = True
    alone = map_scene(model, tensor_of(image[3:11, 2:15].copy()), engine=engine, settings=how)
    framed = map_scene(model, tensor_of(image), engine=engine, settings=how, valid=valid)
    for name in ("class_map", "confidence", "probabilities"):
        inside = np.ascontiguousarray(getattr(framed, name)[3:11, 2:15])
        assert inside.tobytes() == getattr(alone, name).tobytes(), name


def test_reflection_has_no_answer_for_pixels_without_data():
    model, image = network(5), image_of(0)
    with pytest.raises(HsiError, match=r"choose engine\.padding=zero or edge"):
        map_scene(model, tensor_of(image), engine=Engine(padding="reflect"), settings=MapSettings(), valid=holes(0))


def test_what_holds_no_data_is_neither_read_nor_computed():
    cube = np.random.default_rng(0).normal(size=(ROWS, COLS, COMPONENTS))
    cube[:, 8:] = np.nan
    read = []

    def read_part(rows, cols, bands):
        read.append((rows, cols))
        return cube[rows, cols].copy()

    scene = from_arrays(np.nan_to_num(cube))
    scene = type(scene)(**vars(scene) | {"cube": LazyCube(cube.shape, cube.dtype, read_part)})
    model = network(3)
    seen = []
    model.head.register_forward_pre_hook(lambda _, given: seen.append(0 if given[0].is_meta else len(given[0])))
    reducer = Reducer(np.zeros(COMPONENTS), np.eye(COMPONENTS), np.empty(0))
    for valid in (None, np.isfinite(cube).all(2)):
        read.clear(), seen.clear()
        whole = type(scene)(**vars(scene) | {"valid": valid})
        task = task_of((Mapper(model.float(), Engine(), MapSettings()), look_at(whole, reducer)))
        found = [map_block(task, block, silent) for block in blocks_of(ROWS, 4)]
        assert sum(seen) == ROWS * 8
        assert [part.class_map.any() for part in found] == [True, True, False, False]
        # the third block reads the last column of the second for its windows, the fourth lies apart from all data
        assert len(read) == (4 if valid is None else 3)
    blank = map_block(task, Block(0, ROWS, 12, COLS), silent)
    assert blank.class_map.dtype == found[0].class_map.dtype
    assert blank.probabilities.shape == (ROWS, 4, CLASSES)


def test_a_network_sees_of_a_part_its_reduced_values_its_data_and_its_regions():
    """Pixels without data are 0; where there are none at all, the regions are said all the same."""
    cube = image_of(0)
    cube[:, 8:] = np.nan
    cube[2, 3] = np.nan
    valid, region = np.isfinite(cube).all(2), np.indices((ROWS, COLS)).sum(0).astype(np.uint8) % 3
    scene = from_arrays(cube)
    reducer = Reducer(np.arange(COMPONENTS) / 7, np.eye(COMPONENTS)[:, :2], np.empty(0))
    for place in ((slice(1, 5), slice(2, 10)), (slice(0, 4), slice(9, 12))):
        seen = look_at(scene, reducer, region)(*place)
        expected = np.where(valid[place][:, :, None], cube[place][:, :, :2] - [0, 1 / 7], 0)
        np.testing.assert_allclose(seen.image, expected, atol=1e-6)
        assert seen.image.dtype == np.float32
        np.testing.assert_array_equal(seen.valid, valid[place])
        np.testing.assert_array_equal(seen.region, region[place])
        assert look_at(scene, reducer)(*place).region is None


def test_an_ensemble_is_the_mean_of_its_probabilities():
    image = image_of(0)
    look = look_of(image)
    models = network(3, 1), network(9, 2)
    how = MapSettings(symmetries=8), MapSettings()
    alone = [
        map_scene(model, tensor_of(image), engine=Engine(), settings=settings, temperature=temperature)
        for model, settings, temperature in zip(models, how, (2.0, 1.0), strict=True)
    ]
    members = [
        (Mapper(model, Engine(), settings, temperature), look)
        for model, settings, temperature in zip(models, how, (2.0, 1.0), strict=True)
    ]
    task = task_of(*members)
    together = map_blocks(task, blocks_of(6, 7), silent)
    mean = np.mean([part.probabilities.astype(np.float64) for part in alone], axis=0)
    np.testing.assert_allclose(together.probabilities, mean, atol=1e-3)
    np.testing.assert_allclose(together.confidence, mean.max(2), atol=1e-3)
    assert (together.class_map != alone[0].class_map).any()
    assert task.votes == 9


def test_pixels_below_the_cut_off_belong_to_no_class():
    image = image_of(0)
    valid = holes(0)
    look = look_of(image, valid)
    models = network(3, 1), network(5, 2)
    plain = [
        forward(model, tensor_of(image * holes(0)[:, :, None]), torch.arange(ROWS * COLS), shared=True)
        for model in models
    ]
    largest = [logits.detach().amax(1).view(ROWS, COLS).numpy() for logits in plain]
    cuts = [float(np.median(each)) for each in largest]
    members = [
        (Mapper(model, Engine(), MapSettings(), evidence=lambda logits: logits.amax(1), cut_off=cut), look)
        for model, cut in zip(models, cuts, strict=True)
    ]
    for chosen in (members[:1], members):
        found = map_blocks(task_of(*chosen, classes=CLASSES + 1), blocks_of(5, 5), silent)
        surplus = sum(each - cut for each, cut, _ in zip(largest, cuts, chosen, strict=False))
        np.testing.assert_array_equal(found.class_map == CLASSES + 1, valid & (surplus < 0))
        assert 0 < (found.class_map == CLASSES + 1).sum() < valid.sum()
        assert not found.class_map[~valid].any()


@given(rows=st.integers(1, 400), cols=st.integers(1, 400), around=st.integers(0, 24), positions=st.floats(1, 5e4))
@example(rows=20, cols=20, around=8, positions=500.0)
def test_a_plan_covers_the_scene_within_its_room(rows, cols, around, positions):
    covered = np.zeros((rows, cols), dtype=int)
    blocks = plan(rows, cols, around, positions)
    for block in blocks:
        covered[block.place] += 1
        height, width = block.shape
        assert (height + around) * (width + around) <= positions or (height == 1 and width == 1) or 1 in block.shape
    assert (covered == 1).all()
    assert (len(blocks) == 1) == ((rows + around) * (cols + around) <= positions or rows == cols == 1)
    assert blocks == sorted(blocks, key=lambda block: (block.top, block.left))


def test_blocks_of_a_large_scene_are_square_and_alike():
    blocks = plan(5000, 5000, 24, 150_000)
    heights = {block.shape[0] for block in blocks} | {block.shape[1] for block in blocks}
    assert max(heights) - min(heights) <= 1
    assert len(blocks) == ceil(5000 / (387 - 24)) ** 2
    assert {block.shape[1] for block in plan(100_000, 100, 24, 150_000)} == {100}
    assert {block.shape[0] for block in plan(100, 100_000, 24, 150_000)} == {100}
    assert max(block.pixels for block in plan(5000, 5000, 0, 1e12)) <= 2**20


def test_more_memory_makes_larger_blocks_and_little_still_some():
    model = network(9, dtype=torch.float32)
    task = task_of((Mapper(model, Engine(), MapSettings()), None), shape=(3000, 3000))
    counts = [len(plan_within(memory, task, 400)) for memory in (PROCESS / 1e9, 1.0, 3.0, 100.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[1] > counts[2]
    with pytest.raises(HsiError, match="larger than the scene of 8 x 90"):
        plan_within(1.0, task_of((Mapper(model, Engine(), MapSettings()), None), shape=(8, 90)), 400)
