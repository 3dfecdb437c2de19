"""How a network meets a scene: trunk and head, one pass in place of one a window. It stands below the models."""
