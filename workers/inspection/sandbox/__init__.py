"""Processes in which parsers read hostile bytes, so that an exploit of a parser reaches nothing else.

    worker's side    pool           `Sandbox`: gives each inspection its own processes
                     children       has processes forked ahead of need, from a fork server that it replaces
                     process        one child, and what a parser's one is asked
                     server_process the fork server's process
    both             frames         what the two sides send each other
    child's side     fork_server    forks a parser's process on request
                     preparation    what it opens for them, since they cannot
                     child          what a parser's process does
                     confinement    what it gives up before it reads: `namespaces`, `landlock`, `system_calls`

Nothing is imported here: each child would load what only the worker's side needs.
"""
