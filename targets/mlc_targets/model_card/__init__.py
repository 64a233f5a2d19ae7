"""Target `model-card`: a card of each model, in Markdown, with what people have yet to write."""

from mlc_targets.model_card.emit import TARGET

__all__ = ["TARGET"]
