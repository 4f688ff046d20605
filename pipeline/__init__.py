"""What runs, where, and with which memory: command line, config, one run, its state and its report."""
