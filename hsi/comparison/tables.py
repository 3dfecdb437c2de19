"""Tables of settings and pairs: figures for CSV, words for people, in the terminal, Markdown and LaTeX."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from hsi.comparison.groups import Setting
from hsi.comparison.pairs import MEASURES, Pair, write_p
from hsi.comparison.votes import Ensemble
from hsi.evaluation.statistics import Spread, spread


def tabulate_settings(settings: Sequence[Setting]) -> pd.DataFrame:
    """A row a setting, for CSV: OA, AA and kappa (fractions) with spread, OA of position alone and the skill beside it,
    seconds, size, multiply-adds a pixel, leak, precision.

    Columns ``<measure>_mean``, ``_std`` (n - 1), ``_low`` and ``_high`` (95 % interval of the mean over the seeds);
    these three are empty for a single run. ``position_oa_mean`` and ``skill_mean`` are empty where no run has them.
    """
    rows = []
    for setting in settings:
        row: dict[str, object] = {"setting": setting.name, "runs": len(setting.runs)}
        for measure in MEASURES:
            found = spread(setting.values(measure))
            figures = zip(("mean", "std", "low", "high"), _figures(found), strict=True)
            row |= {f"{measure}_{name}": value for name, value in figures}
        for figure, name in (("oa", "position_oa_mean"), ("skill", "skill_mean")):
            row[name] = np.mean(values) if (values := setting.beside(figure)) else None
        metrics = [run.metrics for run in setting.runs]
        row |= {f"{part}_seconds_mean": np.mean([m["seconds"][part] for m in metrics]) for part in ("train", "map")}
        row["precision"] = ", ".join(setting.words("precision"))
        row["parameters"] = metrics[0].get("parameters")
        row["multiply_adds"] = (metrics[0].get("multiply_adds_per_pixel") or {}).get("shared")
        row["test_windows_with_training_pixel"] = np.mean(
            [m["leakage"]["test_windows_with_training_pixel"] for m in metrics]
        )
        rows.append(row)
    return pd.DataFrame(rows)


def _figures(found: Spread) -> tuple[float | None, ...]:
    return found.mean, found.sd, found.low, found.high


def show_accuracy(table: pd.DataFrame) -> pd.DataFrame:
    """'mean ± sd' in percent, and the interval of OA, of what `tabulate_settings` made; beside it what position gives
    and the skill, where a run says; precision where it differs.
    """
    shown = _numbered(table)
    shown["runs"] = table["runs"]
    shown["OA %"] = _spreads(table, "oa", 100, 2)
    shown["95 % interval"] = [
        "-" if pd.isna(low) else f"{100 * max(low, 0):.2f}-{100 * min(high, 1):.2f}"
        for low, high in zip(table["oa_low"], table["oa_high"], strict=True)
    ]
    shown["AA %"] = _spreads(table, "aa", 100, 2)
    shown["kappa"] = _spreads(table, "kappa", 1, 4)
    shown = shown.join(show_position(table))
    if table["precision"].nunique() > 1:
        shown["precision"] = table["precision"]
    return shown


def show_position(table: pd.DataFrame) -> pd.DataFrame:
    """What position alone gives, and the mean skill beside it, in percent; no column where no run says."""
    columns = (("position_oa_mean", "position OA %", 2), ("skill_mean", "skill %", 1))
    return pd.DataFrame(
        {
            heading: ["-" if pd.isna(value) else f"{100 * value:.{digits}f}" for value in table[name]]
            for name, heading, digits in columns
            if table[name].notna().any()
        },
        index=table.index,
    )


def show_cost(table: pd.DataFrame) -> pd.DataFrame:
    """Times, size, and the share of test windows that contain a training pixel."""
    shown = _numbered(table)
    shown["train s"] = table["train_seconds_mean"].map("{:.0f}".format)
    shown["map s"] = table["map_seconds_mean"].map("{:.1f}".format)
    shown["parameters"] = ["-" if pd.isna(count) else f"{int(count):,}" for count in table["parameters"]]
    shown["leaking test windows %"] = (100 * table["test_windows_with_training_pixel"]).map("{:.1f}".format)
    return shown


def tabulate_classes(settings: Sequence[Setting]) -> pd.DataFrame:
    """A row a class and setting, for CSV: recall (producer's accuracy, a fraction), mean and standard deviation."""
    rows = []
    for setting in settings:
        for name in setting.runs[0].metrics["per_class"]:
            found = spread([run.metrics["per_class"][name] for run in setting.runs])
            rows.append({"class": name, "setting": setting.name, "mean": found.mean, "std": found.sd})
    return pd.DataFrame(rows)


def show_classes(classes: pd.DataFrame, settings: Sequence[Setting]) -> pd.DataFrame:
    """A row a class, a column a setting (its number): 'mean ± sd' of the producer's accuracy in percent."""
    shown = pd.DataFrame({"class": list(dict.fromkeys(classes["class"]))})
    count = len(shown)
    for number in range(1, len(settings) + 1):  # by their order: two may have the same name
        mine = classes.iloc[(number - 1) * count : number * count].set_index("class").loc[shown["class"]]
        shown[str(number)] = [_write(mean, sd, 100, 1) for mean, sd in zip(mine["mean"], mine["std"], strict=True)]
    return shown


def tabulate_pairs(pairs: Sequence[Pair], settings: Sequence[Setting]) -> pd.DataFrame:
    """A row a pair, for CSV; empty where a test could not be made."""
    rows = []
    for pair in pairs:
        row: dict[str, object] = {"first": settings[pair.first - 1].name, "second": settings[pair.second - 1].name}
        if pair.paired:
            found = pair.paired
            names = ("difference", "std", "low", "high")
            row |= {"pairs": found.difference.n} | dict(zip(names, _figures(found.difference), strict=True))
            row |= {"p_t": found.p_t, "p_t_holm": pair.p_holm, "p_wilcoxon": found.p_wilcoxon}
            row |= {"seeds_needed": found.seeds_needed, "detectable": found.detectable}
        if pair.mcnemar and pair.blocks:
            row |= {"pixels_of_seed": pair.seed, "only_first_right": pair.mcnemar.only_first}
            row |= {"only_second_right": pair.mcnemar.only_second, "p_mcnemar": pair.mcnemar.p}
            row |= {"block_low": pair.blocks.low, "block_high": pair.blocks.high, "block_side": pair.blocks.side}
        rows.append(row)
    return pd.DataFrame(rows)


def show_pairs(pairs: Sequence[Pair], measure: str, names: Mapping[int, str] | None = None) -> pd.DataFrame:
    """First - second of every pair that could be made; `names` of the settings in place of their numbers."""
    scale, digits = (100, 2) if measure != "kappa" else (1, 4)
    rows = []
    for pair in pairs:
        if pair.paired is None:
            continue
        found, difference = pair.paired, pair.paired.difference
        low, high = (np.nan if end is None else end for end in (difference.low, difference.high))
        interval = "-" if found.p_t is None else f"{scale * low:+.{digits}f} to {scale * high:+.{digits}f}"
        rows.append(
            {
                "pair": f"{names[pair.first]} – {names[pair.second]}" if names else f"{pair.first} - {pair.second}",
                "seeds": difference.n,
                MEASURES[measure]: f"{scale * difference.mean:+.{digits}f}",
                "95 % interval": interval,
                "t p": write_p(found.p_t),
                "Holm p": write_p(pair.p_holm),
                "Wilcoxon p": write_p(found.p_wilcoxon),
                "seeds needed": "-" if found.p_t is None else str(found.seeds_needed or "> 1000"),
            }
        )
    return pd.DataFrame(rows)


def show_ensembles(ensembles: Sequence[Ensemble]) -> pd.DataFrame:
    """Single runs against their votes, OA in percent."""
    return pd.DataFrame(
        [
            {
                "no.": ensemble.setting,
                "seeds": ensemble.seeds,
                "single OA %": f"{100 * ensemble.single_oa:.2f}",
                "majority OA %": f"{100 * ensemble.majority.oa:.2f}",
                "mean probability OA %": (
                    "-" if ensemble.mean_probability is None else f"{100 * ensemble.mean_probability.oa:.2f}"
                ),
                "pixels in dispute %": f"{100 * (ensemble.disagreement > 0).mean():.1f}",
            }
            for ensemble in ensembles
        ]
    )


def _numbered(table: pd.DataFrame) -> pd.DataFrame:
    shown = table[["setting"]].copy()
    shown.insert(0, "no.", range(1, len(table) + 1))
    return shown


def _spreads(table: pd.DataFrame, measure: str, scale: int, digits: int) -> list[str]:
    pairs = zip(table[f"{measure}_mean"], table[f"{measure}_std"], strict=True)
    return [_write(mean, sd, scale, digits) for mean, sd in pairs]


def _write(mean: float, sd: float | None, scale: int, digits: int) -> str:
    return f"{scale * mean:.{digits}f}" + ("" if sd is None or pd.isna(sd) else f" ± {scale * sd:.{digits}f}")
