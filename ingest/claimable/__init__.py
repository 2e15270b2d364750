"""What could be claimed when a stream was paused, read from storage while the stream stands still."""
