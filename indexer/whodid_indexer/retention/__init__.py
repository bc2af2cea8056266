"""How long records are kept: what the configuration says, what the store's document says, what goes and when."""
