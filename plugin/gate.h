/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gate between callers and everything that is not public: one place that asks the policy and answers who is
 * refused. */
#pragma once

#include "policy.h"

#include "bus-call.h"

/* Whether the caller of @call may do what @request says; its peer is filled in here. Where not, the call is
 * answered (and consumed), and the result is FALSE. */
gboolean gate_pass(BusCall *call, PolicyRequest request);
