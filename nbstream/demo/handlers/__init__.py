"""What answers the demo's HTTP requests. With `application` the only modules that import tornado early."""
