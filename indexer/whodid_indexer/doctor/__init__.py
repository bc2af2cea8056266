"""Looking a store over: what is well, what is not, and how to mend it. Nothing here changes anything."""
