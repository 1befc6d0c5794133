"""One target under atheris, which never returns: `python -m tests.fuzz.guided TARGET [options of libFuzzer]`."""

import sys

import atheris

# The modules whose coverage guides the fuzzer: our parsers, and those of the standard library that they call.
with atheris.instrument_imports(include=["airlock", "service", "tomllib", "json", "urllib", "base64"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    atheris.enabled_hooks.add("RegEx")
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()
