"""Slurm for real, on one machine: a cluster of one node that is started, loses it, and is stopped again."""
