"""What each component is called and which configuration and connection it accepts."""
