"""The compiler: typed specs of a machine-learning project in, every artifact of its release out."""

__version__ = "0.1.0"
