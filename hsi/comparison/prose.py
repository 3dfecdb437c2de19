"""What was done, in sentences for a section on methods: data, splits, methods with all settings, protocol, machine."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from hsi.comparison.groups import SEED_KEYS, Finished, Setting
from hsi.comparison.methods import name_methods
from hsi.comparison.paper import Compared
from hsi.config.explained import read_options
from hsi.config.shipped import CONF, title
from hsi.errors import shown
from hsi.evaluation.position import percent
from hsi.reports.bibliography import cited_for

LEFT_TO_OTHERS = (
    "name",
    "patch_size",
    "attention",
    "attention_position",
)  # settings of a model told in other sentences
KEPT_ONLY = ("save_probabilities",)  # changes no result
LIBRARIES = {"torch": "PyTorch", "numpy": "NumPy", "scipy": "SciPy", "scikit-learn": "scikit-learn"}
LONGEST_VALUE = 60  # signs


@dataclass(frozen=True)
class Sentence:
    """Words without the full stop, and the keys of the works that they cite."""

    words: str
    cited: tuple[str, ...] = ()


Paragraphs = list[tuple[str, list[Sentence]]]  # heading and sentences


def account(compared: Sequence[Compared]) -> Paragraphs:
    """The paragraphs of a section on methods."""
    told: Paragraphs = []
    for each in compared:
        told.append((each.title, [_data(each), *_splits(each)]))
        for name, setting in zip(name_methods(each.settings), each.settings, strict=True):
            told.append((name if len(compared) == 1 else f"{name} on {each.title}", _method(setting)))
    runs = [run for each in compared for run in each.runs]
    return [*told, ("Protocol", _protocol(compared)), ("Software and machine", [_software(runs), _machine(runs)])]


def cited(paragraphs: Paragraphs) -> list[str]:
    """The keys of all works that are cited, each once."""
    return list(dict.fromkeys(key for _, sentences in paragraphs for sentence in sentences for key in sentence.cited))


def _data(compared: Compared) -> Sentence:
    scene, first = compared.scene, compared.runs[0].metrics
    cited = cited_for(f"scene={first['scene']}")
    if scene is None:
        return Sentence(f"The scene {compared.title} has {len(first['per_class'])} classes", cited)
    return Sentence(
        f"The scene {compared.title} has {scene.rows} × {scene.cols} pixels, {scene.bands} bands and "
        f"{scene.num_classes} classes, with {int(scene.class_counts.sum()):,} labelled pixels",
        cited,
    )


def _splits(compared: Compared) -> Iterable[Sentence]:
    """A sentence a way of splitting, with the pixels that it gives and the methods that it is for."""
    by_words: dict[Sentence, list[str]] = {}
    for name, setting in zip(name_methods(compared.settings), compared.settings, strict=True):
        metrics = setting.runs[0].metrics
        choice = metrics["choices"].get("split") or ""
        pixels = [
            f"{_numbers(counts)} {role}"
            for key, role in (("n_train", "training"), ("n_val", "validation"), ("n_test", "test"))
            if (counts := {run.metrics[key] for run in setting.runs if key in run.metrics})
        ]
        gives = f", which gives {_listed(pixels)} pixels" if pixels else ""
        words = f"{_said('split', choice)}{_in_brackets(metrics['config'].get('split'))}{gives}"
        by_words.setdefault(Sentence(words, cited_for(f"split={choice}")), []).append(name)
    for sentence, names in by_words.items():
        whose = "" if len(by_words) == 1 else f" of {_listed(names)}"
        yield Sentence(f"Split{whose}: {sentence.words}", sentence.cited)


def _method(setting: Setting) -> list[Sentence]:
    metrics = setting.runs[0].metrics
    config, choices = metrics["config"], metrics["choices"]
    model, parameters = choices.get("model") or metrics["model"], metrics.get("parameters")
    window = metrics["leakage"]["window"]
    sees = "the spectrum of a pixel" if window == 1 else f"windows of {window} × {window} pixels"
    size = "Fitted in one go" if parameters is None else f"A network of {parameters:,} parameters"
    made = f"{size} on {sees}{_in_brackets(config.get('model'), LEFT_TO_OTHERS)}"
    learning = [
        _stage("Optimiser", "optimizer", metrics),
        _stage("Learning rate", "schedule", metrics),
        Sentence(
            f"Training in {shown(metrics.get('precision', 'unknown precision'))}{_in_brackets(config.get('train'))}"
        ),
    ]
    used = {
        key: value
        for part in ("engine", "map")
        if isinstance(stage := config.get(part), dict)
        for key, value in stage.items()
    }
    return [
        Sentence(made, cited_for(f"model={model}", *([] if parameters is None else ["network"]))),
        *_attention(config.get("model"), choices.get("attention")),
        _stage("Reduction", "reduce", metrics),
        *(learning if parameters is not None else []),
        Sentence(f"Map of the whole scene{_in_brackets(used, KEPT_ONLY)}"),
        Sentence(_runs(setting)),
    ]


def _attention(model: Any, choice: str | None) -> list[Sentence]:
    told = model.get("attention") if isinstance(model, dict) else None
    if not choice or choice == "none" or not isinstance(told, dict):
        return []
    place = _value(model.get("attention_position"))
    return [
        Sentence(
            f"Attention: {title('attention', choice)}, {place}{_in_brackets(told)}", cited_for(f"attention={choice}")
        )
    ]


def _stage(name: str, group: str, metrics: Mapping[str, Any]) -> Sentence:
    choice = metrics["choices"].get(group) or ""
    words = f"{name}: {_said(group, choice)}{_in_brackets(metrics['config'].get(group))}"
    return Sentence(words, cited_for(f"{group}={choice}"))


def _runs(setting: Setting) -> str:
    """How often, with which seeds, and what the test windows had seen."""
    seeds = sorted({run.metrics["seed"] for run in setting.runs})
    named = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    splits = len({run.key[0] for run in setting.runs})
    leaking = [run.metrics["leakage"]["test_windows_with_training_pixel"] for run in setting.runs]
    return (
        f"{_count(len(setting.runs), 'run')} with {named} on {_count(splits, 'split')}; "
        f"{percent(sum(leaking) / len(leaking))} % of the test windows contain a training pixel"
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _protocol(compared: Sequence[Compared]) -> list[Sentence]:
    sentences = [
        Sentence(
            "Accuracies are of the test pixels alone: the producer's accuracy of each class, overall accuracy (OA), "
            "average accuracy (AA) and Cohen's kappa, mean and standard deviation (n - 1) over the runs"
        ),
        Sentence(
            "Position, for comparison, gives each test pixel the class of the nearest training pixel and reads no "
            "spectrum"
        ),
    ]
    if any(pair.p_holm is not None for each in compared for pair in each.pairs):
        tests = "Methods are compared on shared splits and seeds by paired t tests with Holm's correction"
        sentences.append(Sentence(tests, cited_for("tests")))
    return sentences


def _software(runs: Sequence[Finished]) -> Sentence:
    commits = _each(str(commit)[:10] for commit in _inside(runs, "code", "commit"))
    used = {name: _each(_inside(runs, "libraries", library)) for library, name in LIBRARIES.items()}
    versions = {"hsi": _each(_inside(runs, "code", "version")) + (f" (commit {commits})" if commits else "")}
    versions |= {"Python": _each(run.metrics["python"] for run in runs if "python" in run.metrics)} | used
    told = [f"{name} {version}" for name, version in versions.items() if version]
    return Sentence(f"All was computed with {_listed(told or ['hsi'])}", cited_for("always"))


def _inside(runs: Sequence[Finished], group: str, key: str) -> list[Any]:
    """The values of a key of a group of metrics.json, of the runs that have it."""
    groups = [run.metrics[group] for run in runs if isinstance(run.metrics.get(group), dict)]
    return [found[key] for found in groups if found.get(key) is not None]


def _machine(runs: Sequence[Finished]) -> Sentence:
    """Processor, device and threads, which decide the last digits and the seconds."""
    keys = {"device": "device", "processor": "processor", "threads": "threads"}
    told = [f"{name} {found}" for key, name in keys.items() if (found := _each(run.metrics.get(key) for run in runs))]
    return Sentence(f"Machine: {', '.join(told) or 'unknown'}")


@cache
def _options(group: str) -> dict[str, str]:
    return read_options(CONF, group)


def _said(group: str, choice: str) -> str:
    """What the file of a choice says it is, in half a sentence; who found it is cited."""
    words = re.sub(r" \([^()]*\d{4}\)", "", _options(group).get(choice, shown(choice or "not said")))
    words = words.replace(": ", ", ").replace(". ", "; ")
    return words if words.startswith("Adam") else words[:1].lower() + words[1:]


def _in_brackets(stage: Any, without: Sequence[str] = ()) -> str:
    """The settings of a stage, `` (dropout = 0.4, width = 1)``, without those that are null or no single values."""
    if not isinstance(stage, dict):
        return ""
    seeds = [key.rpartition(".")[2] for key in SEED_KEYS]
    told = [
        f"{shown(key).replace('_', ' ')} = {_value(value)}"
        for key, value in stage.items()
        if not str(key).startswith("_") and key not in (*without, *seeds) and _is_plain(value)
    ]
    return f" ({', '.join(told)})" if told else ""


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_plain(inner) and not isinstance(inner, list) for inner in value)
    return isinstance(value, bool | int | float | str)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"[{', '.join(map(_value, value))}]" if isinstance(value, list) else str(value)
    return shown(text, LONGEST_VALUE)


def _each(values: Iterable[Any]) -> str:
    """The different values, sorted, as words."""
    return " or ".join(sorted({shown(value) for value in values if value is not None}))


def _numbers(counts: set[int]) -> str:
    return f"{min(counts):,}" if len(counts) == 1 else f"{min(counts):,} to {max(counts):,}"


def _listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
