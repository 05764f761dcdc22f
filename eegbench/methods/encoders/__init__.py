"""EEG encoders and how they are fitted."""
