"""Legal holds: what must not be deleted, whatever retention says, until somebody lets it go by name."""
