"""What may come in: pure checks of text and events."""
