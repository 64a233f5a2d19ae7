"""A trained model as a folder: its manifest, how it is written once, and how it predicts."""
