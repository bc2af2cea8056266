"""Who asks, and how far they reach: tokens, roles, browser sessions, sign-on through a proxy."""
