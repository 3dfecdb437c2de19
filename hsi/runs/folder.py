"""The folder of a run: to whom it belongs, and whether the run in it is finished."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from hsi import files
from hsi.cli.resolvers import register_resolvers
from hsi.errors import HsiError
from hsi.runs.identity import flatten, plain

CHECKPOINT = "checkpoint.safetensors"
CONFIG = Path(".hydra") / "config.yaml"
METRICS = "metrics.json"  # written last, in one rename: its presence means that the run is whole


def load_config(folder: Path) -> DictConfig:
    """The configuration that a run saved, its references to environment and data unresolved.

    Raises HsiError when there is none.
    """
    path = folder / CONFIG
    if not path.exists():
        raise HsiError(f"{path} does not exist: without it the scene of the run is not known, repeat the run")
    register_resolvers()
    config: DictConfig = OmegaConf.create(OmegaConf.to_container(OmegaConf.load(path)))  # type: ignore[assignment]
    return config


def claim(folder: Path, config: DictConfig, force: bool) -> bool:
    """Take a folder for a configuration; returns False when a finished run of that configuration is in it already.

    `force` clears the folder of the earlier run. Raises HsiError when it belongs to another configuration.
    """
    saved = folder / CONFIG
    if force:
        for old in (folder / METRICS, folder / CHECKPOINT):
            old.unlink(missing_ok=True)
    elif saved.exists():
        theirs, ours = flatten(plain(OmegaConf.load(saved))), flatten(plain(config))  # type: ignore[arg-type]
        differing = [key for key in sorted(theirs | ours) if theirs.get(key) != ours.get(key)]
        if differing:
            key = differing[0]
            raise HsiError(
                f"{folder} belongs to another configuration ({len(differing)} keys differ, for instance "
                f"{key}: there {theirs.get(key)}, here {ours.get(key)}): choose another hydra.run.dir, or "
                "repeat with force=true to replace it"
            )
        if (folder / METRICS).exists():
            return False
    saved.parent.mkdir(exist_ok=True)
    hydra = HydraConfig.get()
    files.write(saved.parent / "overrides.yaml", OmegaConf.to_yaml(hydra.overrides.task))
    files.write(saved.parent / "hydra.yaml", OmegaConf.to_yaml(OmegaConf.create({"hydra": hydra})))
    files.write(saved, OmegaConf.to_yaml(config))
    return True
