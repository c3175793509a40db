# SPDX-License-Identifier: LGPL-2.1-or-later
"""What test-soak.py is made of: tasks that share one thread (tasks), the machines that come and go (machines), the callers and what they do
(callers, deeds), the visits of passing machines (visits), figures and the judgement on them (figures)."""
