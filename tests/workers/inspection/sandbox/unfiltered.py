"""The fork server as it is where libseccomp is missing: run as a program, in place of its own module."""

import runpy

from workers.inspection.sandbox import system_calls

system_calls.compile_filter = lambda: None

if __name__ == "__main__":
    runpy.run_module("workers.inspection.sandbox.fork_server", run_name="__main__")
