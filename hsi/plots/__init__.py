"""Pictures of scenes, runs and comparisons, each subject in a file of its own.

- `maps`: scene, truth, class map, errors, confidence, disagreement of the seeds
- `scores`: confusion matrix, training history
- `spectra`: spectra of confused pixels
- `leakage`: the leak audit
- `calibration`: reliability, errors against coverage
- `comparison`: settings side by side, mean ranks
- `canvas`: what all of these share, and `save`

Every `draw_*` function returns a `matplotlib.figure.Figure` that belongs to no window system, so that it
works without a display and in a notebook alike; `canvas.save` writes it. Right and wrong, and the curves, differ in
lightness as well as hue, so that they stay apart for colour-blind readers and in grey print.
"""
