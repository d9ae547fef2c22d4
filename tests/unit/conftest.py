import os

from hypothesis import Phase, settings

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
# Thousands of times over: it is enough that a test fails, however long the example.
settings.register_profile(
    "mutants", derandomize=True, deadline=None, max_examples=30, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
