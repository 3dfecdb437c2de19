"""How many members a sweep will have."""

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig


def count_members(config: DictConfig) -> int | None:
    """How many members a sweep has; None where its sweeper decides that on the way."""
    sweeper = config.hydra.sweeper
    if not str(sweeper.get("_target_")).endswith(BasicSweeper.__name__):
        return None
    words = [*(f"{key}={value}" for key, value in (sweeper.params or {}).items()), *config.hydra.overrides.task]
    overrides = OverridesParser.create().parse_overrides(words)
    return sum(map(len, BasicSweeper.split_arguments(overrides, None)))
