"""A trained model as a file for other programs: ONNX or TorchScript, checked against the run before it is written."""

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import nn

from hsi import files
from hsi.errors import HsiError, NotInstalled, shown
from hsi.models.baselines import EstimatorHead
from hsi.output.graphs import graphs_of, own_logits
from hsi.runs.model import TrainedModel
from hsi.version import __version__

Format = Literal["onnx", "torchscript"]
SUFFIXES: dict[Format, str] = {"onnx": ".onnx", "torchscript": ".pt"}
DYNAMIC = {"windows": (0,), "block": (2, 3)}  # the axes of each input that may have any length
SIZES = {  # of inputs that are compared: windows; rows and columns of blocks
    "windows": ((1,), (2,), (7,)),
    "block": ((1, 1), (2, 5), (6, 3)),
}
TOLERANCE = 1e-3  # of logits, as a share of the largest one or of 1

Call = Callable[[np.ndarray], np.ndarray]


def export(trained: TrainedModel, path: Path, format: Format = "onnx") -> list[Path]:
    """Write a model as two graphs, and what they take and give as JSON beside them.

    ``model.onnx`` classifies windows, ``model.block.onnx`` every pixel of a block, ``model.onnx.json`` describes both;
    the same goes into the metadata of each file. Both take raw spectra, so that nothing else of the run is needed.

    Returns
    -------
    The paths of the three files.

    Raises
    ------
    HsiError
        For a model that is no network or reads no spectra, one that cannot be written in this format, or a graph
        whose logits are not those of the run: then nothing is written.
    """
    trained.require_spectra()
    if any(isinstance(module, EstimatorHead) for module in trained.network.modules()):
        raise HsiError(
            "the model of this run is an estimator of scikit-learn, which has no graph: export a run of a network, or "
            "map with hsi predict"
        )
    require_installed(format)
    places = {"windows": path, "block": path.with_name(f"{path.stem}.block{path.suffix}")}
    about = describe(trained, {name: place.name for name, place in places.items()})
    contents = {}
    for name, graph in graphs_of(trained).items():
        write, read = WRITERS[format]
        try:
            with _quiet():
                contents[name] = write(graph, name, next(_inputs(trained, name)), about)
                call = read(contents[name], name)
                gap = max(_gap(call(values), own_logits(trained, graph, values)) for values in _inputs(trained, name))
        except Exception as error:  # whatever a network may be made of that an exporter does not know
            other = next(kind for kind in get_args(Format) if kind != format)
            raise HsiError(
                f"the network of this run cannot be written as format={format} "
                f"({type(error).__name__}: {shown(error, 120)}): try format={other}"
            ) from error
        if not gap <= TOLERANCE:
            raise HsiError(
                f"the graph of {name} gives other logits than the run, by {gap:.2g} of the largest: nothing was "
                "written; try another format="
            )
    for name, place in places.items():
        files.write(place, contents[name])
    description = path.with_name(f"{path.name}.json")
    files.write_json(description, about)
    return [*places.values(), description]


def describe(trained: TrainedModel, names: dict[str, str]) -> dict[str, Any]:
    """What the graphs in the files `names` take and give, in words and numbers, for JSON."""
    sensor, window = trained.sensor, trained.network.window
    beyond = {"zero": "NaN", "reflect": "the pixels mirrored at the border", "edge": "the pixels at the border"}
    return {
        "made_by": f"hsi {__version__}",
        "files": names,
        "windows": "windows (N, bands, window, window) float32 -> logits (N, classes)",
        "block": "block (1, bands, rows + window - 1, cols + window - 1) float32 -> logits (1, classes, rows, cols)",
        "input": "raw values in the units of the training scene; a pixel that is NaN or infinite in any band holds no "
        "data, and is seen as what lies beyond the border of a scene",
        "beyond_the_border": beyond[trained.engine.padding],
        "logits": "divided by the temperature; their softmax is the confidence, the largest names the class, "
        "counted from 0 in class_names and label_values",
        "class_names": list(trained.class_names),
        "label_values": list(trained.label_values),
        "colours": list(trained.colours),
        "window": window,
        "bands": sensor.bands,
        "components": trained.network.in_channels,
        "wavelengths_nm": None if sensor.wavelengths is None else sensor.wavelengths.tolist(),
        "kept_bands": None if sensor.kept_bands is None else sensor.kept_bands.tolist(),
        "file_bands": sensor.file_bands,
        "temperature": trained.temperature,
        "symmetries_of_the_map": trained.settings.symmetries,
        "trained_on": trained.scene,
    }


def require_installed(format: Format) -> None:
    """Raise NotInstalled where the packages of a format are missing."""
    if format == "onnx":
        try:
            import onnx  # noqa: F401
            import onnxruntime  # noqa: F401
            import onnxscript  # noqa: F401
        except ImportError as error:
            raise NotInstalled(
                f'format=onnx needs the package {error.name}: pip install "hsi[onnx]", or choose format=torchscript'
            ) from error


def _inputs(trained: TrainedModel, name: str) -> Iterator[np.ndarray]:
    """Spectra (N, bands, H, W) float32 as a graph may meet them: of every size, some without data."""
    draw = np.random.default_rng(0)
    window = trained.network.window
    for inside in (True, False):
        for size in SIZES[name]:
            shape = (*size, window, window) if name == "windows" else (1, *(side + window - 1 for side in size))
            values = _spectra(trained, int(np.prod(shape)), draw, inside).reshape(*shape, -1)
            if shape[0] != 1 or max(size) > 1:
                values[-1, : window // 2 + 1] = np.nan
                values[-1, -1, -1, 0] = np.inf
            yield np.ascontiguousarray(np.moveaxis(values, 3, 1))


def _spectra(trained: TrainedModel, count: int, draw: np.random.Generator, inside: bool) -> np.ndarray:
    """Random spectra (count, bands) float32: of components of variance 1, or `inside` the range of the training."""
    quantiles, reducer = trained.sensor.quantiles, trained.reducer
    if inside and quantiles is not None:
        return draw.uniform(quantiles[0], quantiles[-1], (count, len(reducer.mean))).astype(np.float32)
    components = draw.normal(size=(count, reducer.weights.shape[1]))
    return (reducer.mean + components @ np.linalg.pinv(reducer.weights)).astype(np.float32)


def _gap(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, as a share of the largest logit or of 1; infinite where shapes differ."""
    if found.shape != expected.shape:
        return np.inf
    return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))


def _as_onnx(graph: nn.Module, name: str, example: np.ndarray, about: dict[str, Any]) -> bytes:
    """A graph as the content of an ONNX file, `about` in its metadata."""
    # axes of length 1 would be taken for constant
    repeats = [3 if axis in DYNAMIC[name] else 1 for axis in range(4)]
    values = torch.from_numpy(np.tile(example, repeats))
    dynamic = dict.fromkeys(DYNAMIC[name], torch.export.Dim.DYNAMIC)
    program = torch.export.export(graph, (values,), dynamic_shapes=(dynamic,))
    written = torch.onnx.export(
        program, (values,), dynamo=True, input_names=[name], output_names=["logits"], verbose=False
    )
    assert written is not None
    proto = written.model_proto
    proto.producer_name, proto.producer_version = "hsi", __version__
    for key, value in about.items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = key, value if isinstance(value, str) else json.dumps(value)
    content: bytes = proto.SerializeToString()
    return content


def _call_onnx(content: bytes, name: str) -> Call:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda values: session.run(["logits"], {name: values})[0]


def _as_torchscript(graph: nn.Module, name: str, example: np.ndarray, about: dict[str, Any]) -> bytes:
    """A graph as the content of a TorchScript file, `about` in its extra file model.json."""
    repeats = [3 if axis in DYNAMIC[name] else 1 for axis in range(4)]
    with torch.no_grad():
        traced = torch.jit.trace(graph, (torch.from_numpy(np.tile(example, repeats)),), check_trace=False)
    buffer = io.BytesIO()
    torch.jit.save(traced, buffer, _extra_files={"model.json": json.dumps(about)})
    return buffer.getvalue()


def _call_torchscript(content: bytes, name: str) -> Call:
    module = torch.jit.load(io.BytesIO(content), map_location="cpu")

    def call(values: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            logits: np.ndarray = module(torch.from_numpy(values)).numpy()
        return logits

    return call


WRITERS = {"onnx": (_as_onnx, _call_onnx), "torchscript": (_as_torchscript, _call_torchscript)}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what exporters remark about their own insides from the user."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
