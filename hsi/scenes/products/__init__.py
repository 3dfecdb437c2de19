"""Products of spaceborne imaging spectrometers, each in the layout that its mission publishes."""
