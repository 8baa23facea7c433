"""What runs a manifest, on the host and in a sandbox alike."""
