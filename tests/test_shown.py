"""Each idea of the source material is shown on a window of a real scene: claimed, drawn, and asked for."""

import re

import nbformat
import pytest

from studies.notebooks import FOLDER, PICTURE

INVERTED = "Inverted residual block, and what ReLU loses in few channels"
ITEMS = {  # the section that shows it, and words and names that stand there
    "3-D against 2-D convolution": (
        "3-D and 2-D convolution along the spectrum",
        ["shared along the spectrum", "nn.Conv3d(", "nn.Conv2d(", ".roll(", "hybridsn("],
    ),
    "activation functions": (
        "Activation functions",
        ["sigmoid", "tanh", "ReLU", "leaky ReLU", "ReLU6", "h-swish", "gradient("],
    ),
    "output size": ("The output's size", ["floor((n + 2p - d (k - 1) - 1) / s) + 1", "F.max_pool2d("]),
    "channel shuffle": ("Channel shuffle", ["ChannelShuffle(", "groups=3"]),
    "addition and concatenation": (
        "Addition and concatenation",
        ["ResNet adds", "DenseNet", "concatenates", "Residual(", "Branches("],
    ),
    "residual block": ("Residual block", ["f(x)", "basic(", "autograd.grad("]),
    "fire module": ("Fire module", ["SqueezeNet", "fire("]),
    "Inception block": ("Inception block", ["GoogLeNet", "inception("]),
    "inverted residual": (INVERTED, ["MobileNetV2", "inverted_residual("]),
    "what ReLU loses in few channels": (INVERTED, ["spiral", "pinv(", "(2, 3, 5, 15, 30)"]),
    "squeeze and excitation of a trained network": (
        "What squeeze and excitation has learned",
        ["hsi.fit(", 'attention="se"', "SqueezeExcite", "class_image("],
    ),
    "transposed sampling": ("Transposed convolution", ["F.conv_transpose2d(", "nn.ConvTranspose2d("]),
    "deformable sampling": ("Deformable sampling", ["deformable_conv2d(", "DeformableConv("]),
    "gridding before and after": (
        "The grid that dilation leaves",
        ["drn_a", "drn_c", "DRN-C, before", "DRN-C, end", "hsi.fit("],
    ),
    "boxes and their overlap": (
        "Where is it? Boxes and their overlap with the truth",
        ["localiser(", "IoU", "class_map", "truth"],
    ),
    "cost": ("What a layer costs", ["multiply-adds", "cost(", "perf_counter(", "groups=8", "separable"]),
    "from LeNet to MobileNetV3": (
        "From LeNet to MobileNetV3",
        ["lenet", "vgg", "resnet", "mobilenet_v3", "no ranking", "hsi.fit("],
    ),
}
EXERCISE = re.compile(r"\*\*(\d+)\. (.+?)\.?\*\*(?:(?!\*\*\d).)+<details><summary>Answer</summary>", re.DOTALL)


@pytest.fixture(scope="module")
def sections():
    """Cells by notebook and by the heading that they stand under."""
    found = {}
    for name in ("convolutions", "networks"):
        here = []  # what stands before the first heading
        for cell in nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells:
            if cell.cell_type == "markdown" and cell.source.startswith("## "):
                found[name, cell.source.splitlines()[0].removeprefix("## ")] = here = []
            here.append(cell)
    return found


def of_item(sections, item):
    """Notebook, heading and cells of the one section that shows it."""
    ((name, cells),) = [(name, cells) for (name, title), cells in sections.items() if title == ITEMS[item][0]]
    return name, ITEMS[item][0], cells


@pytest.mark.parametrize("item", ITEMS)
def test_an_item_is_claimed_drawn_and_measured_on_the_scene(sections, item):
    _, _, cells = of_item(sections, item)
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    said = code + "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert [word for word in ITEMS[item][1] if word not in said.replace("\n", " ")] == []
    assert re.search(r"^ *assert |assert_close\(", code, re.MULTILINE)
    assert re.search(r"\b(window|first|image|scene|bands)\b", code)
    shown = [output.data for cell in cells for output in cell.get("outputs", []) if "data" in output]
    assert any(PICTURE in data for data in shown)
    tables = " ".join(data.get("text/html", "") for data in shown)
    assert [column for column in (">in<", "parameters", "sees rows") if column not in tables] == []


@pytest.mark.parametrize("item", ITEMS)
def test_an_item_has_an_exercise_whose_answer_is_checked(sections, item):
    name, title, _ = of_item(sections, item)
    asked, *answered = sections[name, "Exercises"]
    numbers = [number for number, about in EXERCISE.findall(asked.source) if title.startswith(about)]
    assert len(numbers) == 1
    assert re.search(rf"# {numbers[0]}\b", answered[-1].source)
