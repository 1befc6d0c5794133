"""What the commands share: how they run, their option types, and their pace."""
