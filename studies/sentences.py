"""The sentences of RESULTS.md, every number in them made from runs."""

from hsi.comparison.groups import Setting
from hsi.comparison.pairs import compare_pairs, conclude
from hsi.evaluation.statistics import spread
from studies.protocols import HONEST, LEAKING, Study, mean, otherwise

BASELINES = ("svm", "svm_window", "random_forest", "knn")
ATTENTION = ("hybridsn", "hybridsn + se", "hybridsn + spatial", "hybridsn + cbam")


def percent(setting: Setting | None, measure: str = "oa") -> str:
    """'mean ± sd' of a setting in percent, of kappa times 100."""
    if setting is None:
        return "-"
    found = spread(setting.values(measure))
    return f"{100 * found.mean:.2f}" + ("" if found.sd is None else f" ± {100 * found.sd:.2f}")


def trained(setting: Setting) -> str:
    """Training pixels, on average over the runs."""
    return f"{spread([run.metrics['n_train'] for run in setting.runs]).mean:,.0f}"


def describe_leak(found: Study) -> list[str]:
    """Sentences on what the same network scores under both ways of splitting, and against spectra alone."""
    leaking, honest = found[LEAKING], found[HONEST]
    sentences = [
        f"HybridSN is right on {percent(leaking['hybridsn'])} % of the test pixels when training pixels are drawn at "
        f"random ({LEAKING}), and on {percent(honest['hybridsn'])} % when whole fields are held out and no window sees "
        f"the other side ({HONEST}), with {trained(honest['hybridsn'])} training pixels in place of "
        f"{trained(leaking['hybridsn'])}. The difference of "
        f"{mean(leaking['hybridsn']) - mean(honest['hybridsn']):.0f} points is the price of another field, which a "
        "random split does not show: most test windows there contain training pixels of the very field."
    ]
    spectral = [(row, honest[row]) for row in BASELINES if row in honest]
    pairs = compare_pairs([honest["hybridsn"], *(setting for _, setting in spectral)], "oa", {})
    names = dict(enumerate(["HybridSN", *(row for row, _ in spectral)], start=1))
    sentences.append(
        f"Baselines of scikit-learn under {HONEST}: "
        + "; ".join(f"{row} {percent(setting)} %" for row, setting in spectral)
        + ". "
        + " ".join(conclude(pair, "oa", names) for pair in pairs if pair.first == 1)
    )
    if all(row in of for of in (leaking, honest) for row in ("svm", "svm_window")):
        sentences.append(
            "No network is needed to see it: the mean spectrum of a window in place of a single one takes the same SVM "
            f"from {percent(leaking['svm'])} % to {percent(leaking['svm_window'])} % under {LEAKING}, and from "
            f"{percent(honest['svm'])} % to {percent(honest['svm_window'])} % under {HONEST}."
        )
    if min(mean(setting) for _, setting in spectral) > mean(honest["hybridsn"]):
        sentences.append(
            "So here a window of 25 pixels learns what the training fields look like rather than what grows on them: "
            "for a field that was never seen, spectra alone are the better evidence, and the accuracy of the random "
            "split is no promise for the next field. It stays a fair measure of another task: filling in a map "
            "between labels that lie all over it."
        )
    return sentences


def describe_position(of: dict[str, Setting], title: str) -> list[str]:
    """How many networks of the protocol `title` pass what position alone gives, by their mean OA, in words."""
    alone = {row: setting.beside("oa") for row, setting in of.items()}
    if not all(len(alone[row]) == len(of[row].runs) for row in of):
        return []  # of some it is not known
    above = [row for row in of if mean(of[row]) > 100 * spread(alone[row]).mean]
    listed = ", ".join(sorted(above, key=lambda row: -mean(of[row])))
    return [
        "A map drawn from position alone gives each pixel the class of the nearest training pixel, and no spectrum is "
        f"read. Under {title}, it is right on {100 * position_alone(of):.2f} % of the test pixels: more than "
        f"{len(of) - len(above)} of {len(of)} networks, in the mean over the seeds of each. Above it are "
        f"{listed or 'none'}. What this means: [docs/position.md](docs/position.md)."
    ]


def position_alone(of: dict[str, Setting]) -> float:
    """Mean OA of position alone on the splits of the runs of a protocol, a fraction."""
    return spread([oa for setting in of.values() for oa in setting.beside("oa")]).mean


def describe_few_labels(found: Study) -> list[str]:
    """HybridSN as the command chose to train and map it, against `experiment=study`, a sentence a protocol."""
    sentences = []
    for title, of in found.items():
        for row in otherwise(of, "hybridsn") if "hybridsn" in of else []:
            chosen = f"`{row.removeprefix('hybridsn ')}`"
            pair = compare_pairs([of["hybridsn"], of[row]], "oa", {})[0]
            sentences.append(
                f"Under {title}: OA {percent(of[row])} %, AA {percent(of[row], 'aa')} % by {chosen}. "
                + conclude(pair, "oa", {1: "`experiment=study`", 2: chosen})
            )
    return sentences


def describe_attention(of: dict[str, Setting]) -> list[str]:
    """Each attention against none on the same splits and seeds, in words; Holm's correction is over these pairs."""
    names = [row for row in ATTENTION if row in of]
    pairs = compare_pairs([of[row] for row in names], "oa", {})
    return [conclude(pair, "oa", dict(enumerate(names, start=1))) for pair in pairs if pair.first == 1]


def describe_models(of: dict[str, Setting], title: str) -> list[str]:
    """Which networks of the protocol `title` are above an SVM on single spectra, by their means, in words."""
    networks = [row for row in of if of[row].runs[0].metrics["parameters"]]
    above = [row for row in networks if mean(of[row]) > mean(of["svm"])]
    others = [row for row in networks if row not in above]
    listed = f"all but {', '.join(others)}" if len(above) > len(others) else ", ".join(above)
    return [
        f"Under {title}, the mean OA of {len(above)} of {len(networks)} networks is above that of the SVM on single "
        f"spectra ({percent(of['svm'])} %)" + (f": {listed}." if above and others else ".")
    ]
