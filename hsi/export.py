"""Write the model of a finished run for other programs: ``python -m hsi.export run=DIR format=onnx out=FILE``."""

if __name__ == "__main__":  # the first line appears before the libraries load
    from hsi.cli.start import announce

    announce("export")

import logging
from pathlib import Path

from omegaconf import DictConfig

from hsi.cli.main import main
from hsi.cli.request import ExportRequest
from hsi.output.export import SUFFIXES, export, require_installed
from hsi.runs.model import load_model

log = logging.getLogger(__name__)


def run(config: DictConfig) -> None:
    """Write two graphs and their description, checked against the run's own logits."""
    request = ExportRequest.read(config)
    require_installed(request.format)
    trained = load_model(Path(request.run), request.trust)
    out = Path(request.run) / f"model{SUFFIXES[request.format]}" if request.out is None else Path(request.out)
    windows, block, description = export(trained, out, request.format)
    log.info("Windows: %s\nBlocks: %s\nWhat they take and give: %s", windows, block, description)


if __name__ == "__main__":
    main(run, "export")
