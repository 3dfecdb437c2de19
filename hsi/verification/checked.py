"""A finished run, verified: what of it follows from its other files, and what has to be taken on trust."""

import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from hsi import files
from hsi.errors import HsiError, shown
from hsi.output.manifest import ENVIRONMENT, FILES, PICTURES, SOMETIMES
from hsi.output.metrics import describe
from hsi.runs.folder import CONFIG, METRICS, manifest_hash
from hsi.runs.identity import FORMAT
from hsi.runs.model import BUNDLE
from hsi.runs.opened import PROBABILITIES, load_scene
from hsi.runs.result import Result
from hsi.verification.again import Again, put_together
from hsi.verification.agreement import differences
from hsi.verification.content import (
    MOST_WORK,
    different_end,
    different_holes,
    different_map,
    different_model,
    judge_tables,
    work,
)
from hsi.verification.listed import different_files, judge_report
from hsi.verification.older import OLDER, WHOLE, verify_older, without_later
from hsi.verification.refit import refit_run
from hsi.verification.verdict import Verdict

# of metrics.json: what no other file of a run can show; environment.json has it too
CLOCK, MACHINE = "seconds", ("device", "processor", "threads", "code", "python", "libraries")


def verify(folder: Path, data_dir: Path | None = None, trust: Collection[str] = (), refit: bool = False) -> Verdict:
    """Find out whether the run in `folder` is what it says.

    The scene is loaded again from its own files, the split is made again, the network maps the scene again where that
    takes minutes at the most; all of metrics.json, the tables and bundle.json are made again and compared. With `refit`
    the training is repeated too.

    `data_dir` and `trust` as in `hsi.runs.opened.load_scene`. Raises HsiError where run or scene cannot be read.
    """
    metrics = files.read_json(folder / METRICS)
    scene = load_scene(folder, data_dir, trust)
    verdict = Verdict(manifest_hash(folder))
    try:
        if metrics.get("format") in (FORMAT, *WHOLE):
            verdict.differences += different_files(folder, metrics["files"], FILES, SOMETIMES)
            again = put_together(folder, scene, verdict, trust)
            _verify(folder, metrics, again, verdict)
            if refit:
                refit_run(folder, again, verdict)
            else:
                verdict.trusted.append("model.safetensors: that the training gives these weights (--refit repeats it)")
        elif metrics.get("format") in OLDER:
            verify_older(folder, metrics, scene, verdict, trust)
        else:
            written = shown(metrics["format"])
            raise HsiError(f"{folder / METRICS} is of format {written}, which this version does not read: update hsi")
    except HsiError as error:
        if not verdict.differences:
            raise
        verdict.differences.append(str(error))  # files that were changed need not be readable
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        reason = shown(error, 120)
        raise HsiError(
            f"{folder}: {METRICS}, {ENVIRONMENT} or {CONFIG} is damaged ({reason}): repeat the run with force=true"
        ) from error
    return verdict


def _verify(folder: Path, metrics: Mapping[str, Any], again: Again, verdict: Verdict) -> None:
    result, record = again.result, again.record
    verdict.differences += [
        *different_metrics(folder, metrics, again),
        *different_surroundings(folder, again),
        *different_holes(result),
        *different_end(result),
    ]
    judge_tables(folder, result, record, verdict)
    model = result.trained
    if work(result) > MOST_WORK:
        verdict.trusted.append(
            f"map.npy, confidence.npy, {PROBABILITIES}, and temperature and unknown in {BUNDLE}: that the weights give "
            "them (it would take long)"
        )
    else:
        model, told = different_map(result)
        verdict.differences += told
    verdict.differences += different_model(folder, result, record, model)
    judge_report(folder, verdict)
    verdict.trusted += [
        f"{CLOCK}: what the clock said",
        f"{', '.join(_of_the_machine(result))}: what {ENVIRONMENT} says of the machine, and its platform",
        "history.csv: its course, but for the best validation accuracy",
        f"{', '.join(PICTURES)}: that they show the run; their checksums are those written",
    ]


def different_metrics(folder: Path, metrics: Mapping[str, Any], again: Again) -> Iterator[str]:
    """Where metrics.json is not what the other files make it, or they are not those it has checksums of."""
    found = describe(folder, again.result, again.record, again.surroundings)
    if metrics.get("format") in WHOLE:
        found = without_later(found) | {"format": metrics["format"]}
    if again.result.trained.settings.save_probabilities and PROBABILITIES not in metrics["files"]:
        yield f"{PROBABILITIES} has no checksum in {METRICS}"
    yield from differences(metrics, found, besides=(CLOCK, "files"))
    yield from different_seconds(metrics[CLOCK], again.result.seconds)


def different_surroundings(folder: Path, again: Again) -> Iterator[str]:
    """Where environment.json is not that of a run of this configuration."""
    for line in differences(files.read_json(folder / ENVIRONMENT), again.surroundings):
        yield f"{ENVIRONMENT}: {line}"


def _of_the_machine(result: Result) -> tuple[str, ...]:
    """What metrics.json and environment.json alone say; on a CPU the precision follows from the configuration."""
    return MACHINE if result.device == "cpu" else (*MACHINE, "precision")


def different_seconds(written: Any, known: Mapping[str, float]) -> Iterator[str]:
    """Times that cannot be."""
    for key in known:
        time = written.get(key)
        if isinstance(time, bool) or not isinstance(time, int | float) or not 0 <= time < math.inf:
            yield f"seconds.{key}: {shown(time)} written, which is no time"
    if set(written) != set(known):
        yield f"seconds: {shown(list(written))} written, {shown(list(known))} found"
