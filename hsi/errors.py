"""The one exception that is meant for the person at the keyboard."""


class HsiError(Exception):
    """A fault that the user can mend; its message is the one sentence that is printed.

    The sentence says what is wrong, where, and what to do. The command line prints it without a
    traceback and exits with status 2 (see `hsi.cli.main`).
    """


def shown(value: object, longest: int = 60) -> str:
    """A value of a file as it may stand in a sentence: one line of printable signs, cut where it is long."""
    text = str(value)[: 10 * longest]
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


class Diverged(HsiError):
    """The loss of a training is no number any more."""


class NotInstalled(HsiError):
    """Something was asked for that needs an optional package, and the package is not to be had here."""


class WrongInput(HsiError, ValueError):
    """What Python was given cannot be used; a ValueError too, as those who call scikit-learn's estimators expect."""
