"""The ways to split a scene, one a file: each takes labels (rows, cols) and returns a `hsi.splits.roles.Split`."""
