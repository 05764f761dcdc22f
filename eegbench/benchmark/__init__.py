"""The pipeline: plan, fit, reconstruct, score, audit; each stage reads only what the one before wrote."""
