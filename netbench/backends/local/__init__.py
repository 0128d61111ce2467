"""Workers as processes of this machine, each node a network namespace of its own where that is allowed."""
