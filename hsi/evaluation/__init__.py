"""What can be said of a map: accuracy, calibration, leaks, statistics."""
