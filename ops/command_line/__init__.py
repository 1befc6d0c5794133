"""What all commands share: how they run, their option types, their rate, and safe printing."""
