"""How commands run as Hydra applications, and how faults reach the person at the keyboard."""

import logging
import os
import sys
from collections.abc import Callable

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from hsi.cli.memory import keep_freed_memory
from hsi.cli.options import require_line
from hsi.cli.resolvers import register_resolvers
from hsi.cli.start import answer_and_leave
from hsi.cli.telling import leave_silently, telling
from hsi.config.explained import MAIN
from hsi.config.faults import explain
from hsi.config.shipped import CONF
from hsi.config.sources import guard_sources
from hsi.sweeps.callback import surviving

log = logging.getLogger(__name__)

RESUME = {
    MAIN: "Rerun the same command to resume from the last checkpoint.",
    "predict": "Rerun the same command to go on with the next block.",
    "search": "Rerun the same command to go on with the next cell.",
}
CAPPED = ("predict",)  # commands that keep to a limit of memory: freed memory that is kept falls apart and grows


def main(task: Callable[[DictConfig], object], config_name: str) -> None:
    """Run `task` as a Hydra application.

    Exit status: 0 all is well; 1 members of a sweep failed; others as in `hsi.cli.telling.telling`.
    """
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # so that Hydra lets us do the telling
    logging.raiseExceptions = False  # a log that cannot be written (disk full) must not bury the message in tracebacks
    answer_and_leave(config_name)
    register_resolvers()
    guard_sources()
    application = hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)
    with telling(sys.argv[1:], RESUME.get(config_name, "")):
        require_line(sys.argv[1:], config_name)
        with surviving():
            application(_logging_faults(task, config_name not in CAPPED))()


def _logging_faults(task: Callable[[DictConfig], object], keeping: bool) -> Callable[[DictConfig], object]:
    """A task whose faults go to the log of the run; the other members of a sweep go on.

    A launcher may call it in a process of its own, which then holds its memory as this one does: `keeping` or not.
    """

    def logging_faults(config: DictConfig) -> object:
        try:
            if keeping:
                keep_freed_memory()
            return task(config)
        except BrokenPipeError:
            leave_silently()
        except Exception as error:
            sentence = explain(error, sys.argv[1:])
            sweeping = HydraConfig.get().mode == RunMode.MULTIRUN
            if sentence is None and not sweeping:
                raise
            log.error("Error: %s", sentence or repr(error), exc_info=sentence is None)
            if not sweeping:
                sys.exit(2)
            return None

    return logging_faults
