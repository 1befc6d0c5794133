"""What callers send and what they get: request and response models, and problem details."""
