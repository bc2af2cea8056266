"""What is asked, as one value."""
