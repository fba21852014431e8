"""What applies to a stream and where it comes from: settings, the endpoint and its key, what it takes."""
