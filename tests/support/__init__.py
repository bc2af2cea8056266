"""What several test rooms share: real processes, and counting that shares nothing with the product."""
