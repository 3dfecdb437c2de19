"""Names under which saved runs know callables that have moved since, and settings that are called otherwise today."""

from collections.abc import Mapping
from typing import Any

MOVED = {
    "hsi.attention.CBAM": "hsi.models.blocks.attention.CBAM",
    "hsi.attention.EfficientChannelAttention": "hsi.models.blocks.attention.EfficientChannelAttention",
    "hsi.attention.SpatialAttention": "hsi.models.blocks.attention.SpatialAttention",
    "hsi.attention.SqueezeExcite": "hsi.models.blocks.attention.SqueezeExcite",
    "hsi.engine.Engine": "hsi.engine.forward.Engine",
    "hsi.mapping.Mapping": "hsi.mapping.scene_map.MapSettings",
    "hsi.scene.load_custom": "hsi.scenes.custom.load_custom",
    "hsi.scene.load_published": "hsi.scenes.published.load_published",
    "hsi.schedule.constant": "hsi.training.schedule.constant",
    "hsi.schedule.cosine": "hsi.training.schedule.cosine",
    "hsi.schedule.one_cycle": "hsi.training.schedule.one_cycle",
    "hsi.synthetic.make_synthetic": "hsi.scenes.synthetic.make_synthetic",
    "hsi.train.Training": "hsi.training.steps.Steps",
    "torch.optim.Adam": "hsi.training.optimizers.adam",
    "torch.optim.AdamW": "hsi.training.optimizers.adamw",
    "torch.optim.SGD": "hsi.training.optimizers.sgd",
}
# By callable and key, the value in saved runs and what it is today. SE-ResNet has its own attention: none is refused.
SETTINGS = {("hsi.models.senet.senet", "attention"): (None, "own")}


def today(name: str) -> str:
    """The name that a callable has in this version."""
    return MOVED.get(name, name)


def settings_today(name: str, description: Mapping[Any, Any]) -> dict[Any, Any]:
    """The settings of a saved description of `name`, a name of today, as they are called in this version."""
    return {
        key: now if value == was else value
        for key, value in description.items()
        for was, now in [SETTINGS.get((name, key), (value, value))]
    }
