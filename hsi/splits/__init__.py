"""The ways to split a scene, one a file; each is called with labels (rows, cols) and returns a `hsi.split.Split`."""
