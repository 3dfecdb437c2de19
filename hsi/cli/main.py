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
from hsi.cli.resolvers import register_resolvers
from hsi.cli.start import answer_and_leave
from hsi.config.faults import explain
from hsi.config.shipped import CONF

log = logging.getLogger(__name__)


def main(task: Callable[[DictConfig], object], config_name: str) -> None:
    """Run `task` as a Hydra application.

    Exit status: 0 all is well; 1 members of a sweep failed; 2 a fault that the user can mend, told in one sentence;
    130 interrupted.
    """
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # so that Hydra lets us do the telling
    logging.raiseExceptions = False  # a log that cannot be written (disk full) must not bury the message in tracebacks
    answer_and_leave(config_name)
    register_resolvers()
    keep_freed_memory()
    application = hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)
    try:
        application(_telling(task))()
    except KeyboardInterrupt:
        print("\nInterrupted. Rerun the same command to resume from the last checkpoint.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:
        sentence = explain(error, sys.argv[1:])
        if sentence is None:
            raise
        print(f"Error: {sentence}", file=sys.stderr)
        sys.exit(2)


def _telling(task: Callable[[DictConfig], object]) -> Callable[[DictConfig], object]:
    """A task whose faults go to the log of the run; the other members of a sweep go on."""

    def telling(config: DictConfig) -> object:
        try:
            return task(config)
        except Exception as error:
            sentence = explain(error, sys.argv[1:])
            sweeping = HydraConfig.get().mode == RunMode.MULTIRUN
            if sentence is None and not sweeping:
                raise
            log.error("Error: %s", sentence or repr(error), exc_info=sentence is None)
            if not sweeping:
                sys.exit(2)
            return None

    return telling
