"""The store on OpenSearch: an index per class and period, found under the alias `whodid`."""
