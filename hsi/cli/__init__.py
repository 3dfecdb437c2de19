"""The command line: how commands start, and how faults reach the person at the keyboard."""
