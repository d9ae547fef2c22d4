"""A local Lightsail: a moto backend, a server with a clock and faults, and a demo fleet.

`python -m lightsail_sandbox` starts it. Where to look:

`client`
    the handle that tests, the demo and benchmarks use: `running_sandbox`, `Sandbox`
`options`, `faults`, `calls`, `seeds`
    what that handle speaks of
`server`, `app`
    HTTP; AWS's interface, scripted and recorded
`control`, `planting`
    the control interface under ``/sandbox/``
`role`, `policy`
    what a caller may do, where a role is enforced
`lightsail`
    Lightsail itself, in moto's layout; it would work inside moto as it is
"""
