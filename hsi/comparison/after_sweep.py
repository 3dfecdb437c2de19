"""What happens when all members of a sweep have had their turn."""

import logging
import sys
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from hsi.config.faults import explain
from hsi.runs.folder import METRICS

log = logging.getLogger(__name__)


class Summary(Callback):
    """Print and write the table of a sweep, and name the members that failed."""

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Leave with status 1 when a member failed, with 2 when the table cannot be written."""
        from hsi.comparison import report  # its statistics take seconds to import, which a single run need not wait for

        folder = Path(config.hydra.sweep.dir)
        members = sorted({log_file.parent for log_file in folder.rglob("run.log")})
        failed = [member for member in members if not (member / METRICS).exists()]
        finished = [member for member in members if member not in failed]
        try:
            if finished:
                report.summarise(finished, folder)
        except Exception as error:  # Hydra would make a warning of it, and status 0
            print(f"Error: {explain(error) or repr(error)}", file=sys.stderr)
            sys.exit(2)
        if failed:
            print(f"{len(failed)} of {len(members)} members failed; each run.log says why:", file=sys.stderr)
            for member in failed:
                print(f"  {member}", file=sys.stderr)
            sys.exit(1)
