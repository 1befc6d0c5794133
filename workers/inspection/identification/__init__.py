"""Which readings the bytes of an object or a member have. It runs in a process of the sandbox, before the examiners."""
