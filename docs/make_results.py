"""Keep the metrics of finished runs under docs/results/ and write RESULTS.md from all that is kept there.

python docs/make_results.py [DIR ...]     DIR: run or sweep directories; none: write the tables again
"""

import re
import sys
from pathlib import Path

from hsi import files, tables
from hsi.errors import HsiError
from hsi.folder import METRICS
from hsi.settings import Setting, find_runs, read_settings

KEPT = Path(__file__).parent / "results"
RESULTS = Path(__file__).parent.parent / "RESULTS.md"

HEAD = """# Results

Written by `python docs/make_results.py` from the metrics of finished runs in `docs/results/`, never by hand. Mean +-
standard deviation over seeds; a seed draws the split, the weights and the shuffle. "Leaking test windows" is the share
of test windows that contain a training pixel. Each table ends with the commands that made it; they resume where
they were interrupted, and `python docs/make_results.py outputs/sweeps/DIR` adds their runs.
"""


def keep(run: Path) -> None:
    """Copy the metrics of a finished run to a folder that its protocol, model and seed name."""
    metrics = files.read_json(run / METRICS)
    choices = metrics["choices"]
    name = f"{choices['model']}_{choices.get('attention', 'none')}_seed-{metrics['seed']}_{metrics['config_hash'][:8]}"
    files.write_json(KEPT / re.sub(r"\W+", "_", protocol(metrics)) / name / METRICS, metrics)


def protocol(metrics: dict) -> str:
    """Scene and split of a run in words, without its seed."""
    split = metrics["config"]["split"]
    amount = f"{split['per_class']} a class" if split.get("per_class") else f"{split.get('train', 0.5):.0%} to train"
    return f"{metrics['scene']}, split={metrics['choices']['split']}, {amount}"


def machines(settings: list[Setting]) -> str:
    """Where the runs were made, and with what."""
    runs = [run.metrics for setting in settings for run in setting.runs]
    seen = {f"{m['processor']}, device {m['device']}, {m['precision']}" for m in runs}
    return "; ".join(sorted(seen))


def section(folder: Path) -> str:
    """A protocol's table, machines and commands."""
    settings = read_settings(find_runs([folder]))
    table = tables.tabulate_settings(settings).sort_values("oa_mean", ascending=False, ignore_index=True)
    shown = tables.show_accuracy(table).merge(tables.show_cost(table), on=["no.", "setting"]).drop(columns="no.")
    commands = sorted({command(run.metrics) for setting in settings for run in setting.runs})
    title = protocol(settings[0].runs[0].metrics)
    listed = "".join(f"    {line}\n" for line in commands)
    return f"## {title}\n\n{tables.to_markdown(shown)}\nMachine: {machines(settings)}.\n\n{listed}"


def command(metrics: dict) -> str:
    """The command that repeats a run, for all seeds alike."""
    return " ".join(word for word in metrics["command"] if not word.startswith("seed="))


def write_up() -> str:
    """The text of RESULTS.md, from all that is kept."""
    return "\n".join([HEAD, *(section(folder) for folder in sorted(KEPT.iterdir()) if folder.is_dir())])


def main() -> None:
    """Keep what is named, then write the tables."""
    try:
        for run in find_runs([Path(word) for word in sys.argv[1:]]) if sys.argv[1:] else []:
            keep(run)
        files.write(RESULTS, write_up())
    except (HsiError, FileNotFoundError) as error:
        sys.exit(f"Error: {error}")
    print(f"Written: {RESULTS}")


if __name__ == "__main__":
    main()
