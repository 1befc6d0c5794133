"""The containers that the archive parser reads, over decoders that never run ahead of their limits."""
