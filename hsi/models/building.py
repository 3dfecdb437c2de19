"""Temporary."""

from hsi.config.build import build


def build_model(description, in_channels, num_classes):
    return build(description, "model", in_channels=in_channels, num_classes=num_classes)
