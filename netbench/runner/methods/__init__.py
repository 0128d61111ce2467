"""The measurement methods that come with netbench."""
