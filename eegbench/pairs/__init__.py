"""Two folders of images: which reconstruction belongs to which true image, and their scores."""
