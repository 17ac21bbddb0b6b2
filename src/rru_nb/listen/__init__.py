"""Music from trained models: weights, sampling, sound."""
