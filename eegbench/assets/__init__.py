"""What is here and what is missing: lists of what there is, the installation, recordings, captions."""
