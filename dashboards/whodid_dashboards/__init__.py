"""What people look at: the viewer and the OpenSearch Dashboards objects."""
