"""What `whodid setup` brings to OpenSearch, as data: the security plugin's roles."""
