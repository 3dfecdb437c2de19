"""What the methods of a comparison are called in a paper, and in which order they stand there."""

from collections.abc import Sequence

from hsi.comparison.groups import Setting, name_settings
from hsi.config.shipped import title
from hsi.errors import shown

POSITION = title("model", "position")
FIRST = (POSITION, title("model", "svm"))  # what the others have to beat


def name_methods(settings: Sequence[Setting]) -> list[str]:
    """A name each, all different: that of the model in the literature, its attention, and what else tells it apart."""
    names = [_name(setting) for setting in settings]
    for name in {name for name in names if names.count(name) > 1}:
        places = [place for place, other in enumerate(names) if other == name]
        apart = name_settings([settings[place].runs[0].metrics for place in places])
        for number, (place, words) in enumerate(zip(places, apart, strict=True), start=1):
            names[place] = f"{name} ({words if apart.count(words) == 1 else number})"
    return names


def in_order(names: Sequence[str]) -> list[str]:
    """Names of methods, each once: what position gives, the support vector machine, then the others as they come."""
    return sorted(dict.fromkeys(names), key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))


def _name(setting: Setting) -> str:
    metrics = setting.runs[0].metrics
    choice = metrics["choices"].get("model") or metrics["model"]
    model = metrics["config"].get("model")
    told = model if isinstance(model, dict) else {}
    name = title("model", choice)
    if choice == "custom":
        name = str(told.get("_target_", choice)).rpartition(".")[2]
    elif choice == "timm":
        name = f"{told.get('name', 'a network')} ({name})"
    attention = metrics["choices"].get("attention") or "none"
    return shown(name if attention == "none" else f"{name} + {title('attention', attention)}", 100)
