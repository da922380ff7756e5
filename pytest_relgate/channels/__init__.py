"""Where a release is served: what each channel shows of it, and what that means."""
