"""The language of profiles: what their files may say, and what is read from them."""
