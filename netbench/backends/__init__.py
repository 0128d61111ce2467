"""Where workers can live."""
