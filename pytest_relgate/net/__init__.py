"""HTTP, in one room: origins, credentials, redirects, caps, deadlines, waiting."""
