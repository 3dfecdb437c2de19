"""Fitting a network to the training pixels of one scene."""
