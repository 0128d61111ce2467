"""Traffic tools: our own and the iperf programs."""
