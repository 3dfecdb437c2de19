"""What makes two runs the same run."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hsi.cli.resolvers import WITHOUT_EFFECT


def plain(config: DictConfig) -> dict[str, Any]:
    """The resolved configuration without the keys that change nothing about a result."""
    resolved: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    return _without(resolved, WITHOUT_EFFECT)


def _without(tree: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {
        key: _without(value, keys) if isinstance(value, dict) else value
        for key, value in tree.items()
        if key not in keys
    }


def config_hash(config: DictConfig) -> str:
    """SHA-256 of `plain`, in hexadecimal."""
    return hashlib.sha256(json.dumps(plain(config), sort_keys=True).encode()).hexdigest()


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys as dotted ones."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
