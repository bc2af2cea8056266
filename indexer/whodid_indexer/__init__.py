"""The store side: takes records, answers questions about them."""
