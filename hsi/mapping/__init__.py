"""A class and a confidence for every pixel of a scene."""
