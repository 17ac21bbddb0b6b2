"""Music that trained models play: `models`, `sampling` from them, what `counts`, the `player`."""
