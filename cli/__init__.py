"""The `pausewire` command: one thin file per command group, and the composition root."""
