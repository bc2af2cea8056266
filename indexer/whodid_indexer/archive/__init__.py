"""Records in files of their own: written before the store deletes them, verified, and put back into a store."""
