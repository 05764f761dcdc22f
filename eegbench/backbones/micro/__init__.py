"""The micro pack: small networks of our own, for 64-pixel scenes, in the file formats of the large ones."""
