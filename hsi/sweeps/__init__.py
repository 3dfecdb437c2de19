"""Many runs by one command: what is known of each while they run, in whatever process or on whatever machine."""
