"""Questions to more than one run, or behind one: variations, comparisons, explanations, pictures side by side."""
