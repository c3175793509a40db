# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rows of tests/bench: a file for each kind of row, whose functions bench_…(bench) measure and print. Below them: `stage` starts and
ends what is measured, `probes` compares, `table` prints and judges, `loads` says with how much."""
from .agents import bench_fresh, bench_idle
from .callers import bench_callers_plugged, bench_callers_shared
from .calls import bench_instructions, bench_latency, bench_rate
from .events import bench_events
from .holds import bench_holds
from .monitors import bench_monitors
from .probes import BenchError
from .replies import bench_replies
from .stage import Bench
from .suites import bench_suites
from .vms import bench_among_vms, bench_retried_vms, bench_vms

__all__ = ['Bench', 'BenchError', 'PARTS']

# In the order in which they are measured and printed.
PARTS = (bench_latency, bench_rate, bench_instructions, bench_replies, bench_holds, bench_events, bench_monitors, bench_callers_shared,
         bench_callers_plugged, bench_fresh, bench_idle, bench_among_vms, bench_vms, bench_retried_vms, bench_suites)
