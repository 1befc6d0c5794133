"""The readers of the containers of sound and video."""
