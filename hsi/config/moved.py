"""Names under which saved runs know callables that have moved since: old name -> name today."""

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


def today(name: str) -> str:
    """The name that a callable has in this version."""
    return MOVED.get(name, name)
