"""The `lightkeeper` command: the same core as in Lambda, for people at a terminal.

Where to look:

`main`
    the command: its verbs, and errors as sentences
`plan`, `run`, `take`, `status`, `snapshots`, `keep`, `simulate`, `demo`
    the verbs: the options of each, and what it does
`options`, `settings`, `stack`, `aws`, `account`
    what verbs share: options and the clock; whose settings, such as a deployed stack's; the Regions; whose account
`fates`, `check`
    what becomes of each recovery point; how everything stands, for a monitoring system
`tables`, `plots`, `documents`
    what is printed: for people, as pictures, as JSON
`simulation`, `demonstration`
    what `simulate` and `demo` run
"""
