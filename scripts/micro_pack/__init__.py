"""How the micro pack is trained: one module per part, one loop for all of them."""
