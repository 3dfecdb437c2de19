"""The one thing that the values under conf/ call: ``${hsi.window:25}``, the side of a model's windows."""

from omegaconf import DictConfig, OmegaConf


def window(default: int, *, _root_: DictConfig) -> int:
    """Give the side of a model's windows: ``patch_size=`` where it was given, else the model's own `default`.

    The resolver ``${hsi.window:...}`` of conf/model/.
    """
    return default if _root_.patch_size is None else _root_.patch_size


def register_window() -> None:
    """Make the resolver known."""
    OmegaConf.register_new_resolver("hsi.window", window, replace=True)
