"""Training of small students on torch: data, the network, and the way from recordings to weights."""
