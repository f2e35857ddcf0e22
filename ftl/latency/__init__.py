"""Latency: the time of one image, batch 1, measured alone on the machine.

`one_process` takes one network's time once, in a process of its own. `rounds` says how often each is timed, when two
takes agree, and what several come to. `networks` times all networks of a sweep so, and keeps the result beside each.
`machine_load` says how much of the processor other programs use, without which no time is worth anything. `bench_kit`
packs networks with `time_networks`, a script that times them so on another machine.
"""
