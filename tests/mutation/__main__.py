"""Do the tests bite? `python -m tests.mutation rules`, `python -m tests.mutation mutants`: ends with 1 if they do not.

`python -m tests.mutation rules 3 7` takes only the parts of these rules out.
`python -m tests.mutation chaos` tells which parts of the rules chance and crashes miss, too.
"""

import sys

from tests.mutation import chaos, mutants, removals

match sys.argv[1:]:
    case ["rules", *numbers] if all(number.isdecimal() for number in numbers):
        wrong = removals.run({*map(int, numbers)})
    case ["mutants"]:
        wrong = mutants.run()
    case ["chaos"]:
        wrong = chaos.run()
    case _:
        wrong = [str(__doc__)]
sys.exit("\n".join(wrong) or None)
