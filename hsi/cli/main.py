"""What all commands share: where the configuration lies, and how faults reach the person at the keyboard."""

import logging
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from hsi.cli.memory import keep_freed_memory
from hsi.cli.resolvers import register_resolvers
from hsi.errors import HsiError

log = logging.getLogger(__name__)

_PACKAGE = Path(__file__).parents[1]
_PACKAGED = _PACKAGE / "conf"  # in a wheel
CONF = _PACKAGED if _PACKAGED.exists() else _PACKAGE.parent / "conf"  # in a source tree


def main(task: Callable[[DictConfig], None], config_name: str) -> None:
    """Run `task` as a Hydra application.

    Exit status: 0 all is well; 1 members of a sweep failed; 2 a fault that the user can mend, told in one sentence;
    130 interrupted.
    """
    register_resolvers()
    keep_freed_memory()
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # so that Hydra lets us do the telling
    logging.raiseExceptions = False  # a log that cannot be written (disk full) must not bury the message in tracebacks
    application = hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)
    try:
        application(_telling(task))()
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on from the last checkpoint.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:
        sentence = explain(error)
        if sentence is None:
            raise
        print(f"Error: {sentence}", file=sys.stderr)
        sys.exit(2)


def _telling(task: Callable[[DictConfig], None]) -> Callable[[DictConfig], None]:
    """A task whose faults go to the log of the run; the other members of a sweep go on."""

    def told(config: DictConfig) -> None:
        try:
            task(config)
        except Exception as error:
            sentence = explain(error)
            sweeping = HydraConfig.get().mode == RunMode.MULTIRUN
            if sentence is None and not sweeping:
                raise
            log.error("Error: %s", sentence or repr(error), exc_info=sentence is None)
            if not sweeping:
                sys.exit(2)

    return told


def explain(error: BaseException) -> str | None:
    """The sentence for a fault of input, configuration or machine; None for a fault of this program."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, HsiError):
            return str(cause)
        if isinstance(cause, OSError) and cause.filename:
            return f"{cause.filename}: {cause.strerror}; free space, or name a place that you may write to"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, HydraException | OmegaConfBaseException):
        return _explain_configuration(" ".join(str(error).split()))
    return None


def _explain_configuration(told: str) -> str:
    """Hydra's and OmegaConf's words for what is wrong in the configuration, in the words of this program."""
    if unknown := re.match(r"Could not override '([^']+)'", told):
        return f"unknown key {unknown[1]}: --cfg job lists all keys, and each file under conf/ explains its own"
    if missing := re.match(r"Missing mandatory value: (\S+)", told):
        return f"{missing[1]} has no value yet: give {missing[1]}=..."
    return told.partition(" Config search path:")[0]
