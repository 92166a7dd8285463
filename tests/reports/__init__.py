"""What was reported of other tools of this kind, and comes out right here; one file a kind."""
