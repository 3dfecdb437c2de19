"""What networks are built of: layers, attention, recurrence, and the stages that become trunk and head."""
