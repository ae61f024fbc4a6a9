"""Where samples come from: recordings, and models that are called one by one or by the batch."""
