"""`python -m mutation rules`, `python -m mutation mutants`: exit 1 if a test does not bite."""

import sys

from mutation import removals

wrong = removals.run()
print(*wrong, sep="\n")
sys.exit(bool(wrong))
