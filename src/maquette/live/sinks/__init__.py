"""Where poses go."""
