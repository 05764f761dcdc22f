"""The reference suite: the pretrained judges that the field's papers score with."""
