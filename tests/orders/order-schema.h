/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The schema of a QEMU that has a few commands: the answer to query-qmp-schema, with monitors as objects or without. */
#pragma once

#define ORDER_SCHEMA_WITH(qom_types)                                                                                   \
    "[{\"name\":\"blockdev-create\",\"meta-type\":\"command\",\"arg-type\":\"1\",\"ret-type\":\"0\"},"                \
    "{\"name\":\"cont\",\"meta-type\":\"command\",\"arg-type\":\"0\",\"ret-type\":\"0\"},"                            \
    "{\"name\":\"object-add\",\"meta-type\":\"command\",\"arg-type\":\"2\",\"ret-type\":\"0\"},"                      \
    "{\"name\":\"query-status\",\"meta-type\":\"command\",\"arg-type\":\"0\",\"ret-type\":\"4\"},"                    \
    "{\"name\":\"stop\",\"meta-type\":\"command\",\"arg-type\":\"0\",\"ret-type\":\"0\"},"                            \
    "{\"name\":\"STOP\",\"meta-type\":\"event\",\"arg-type\":\"0\"},"                                                 \
    "{\"name\":\"RESUME\",\"meta-type\":\"event\",\"arg-type\":\"0\"},"                                               \
    "{\"name\":\"0\",\"meta-type\":\"object\",\"members\":[]},"                                                       \
    "{\"name\":\"1\",\"meta-type\":\"object\",\"members\":[{\"name\":\"job-id\",\"type\":\"str\"},"                   \
    "{\"name\":\"options\",\"type\":\"any\"}]},"                                                                      \
    "{\"name\":\"2\",\"meta-type\":\"object\",\"members\":[{\"name\":\"qom-type\",\"type\":\"3\"},"                   \
    "{\"name\":\"id\",\"type\":\"str\"}]},"                                                                           \
    "{\"name\":\"3\",\"meta-type\":\"enum\",\"values\":[" qom_types "]},"                                             \
    "{\"name\":\"4\",\"meta-type\":\"object\",\"members\":[{\"name\":\"status\",\"type\":\"str\"},"                   \
    "{\"name\":\"running\",\"type\":\"bool\"}]},"                                                                     \
    "{\"name\":\"str\",\"meta-type\":\"builtin\",\"json-type\":\"string\"},"                                          \
    "{\"name\":\"bool\",\"meta-type\":\"builtin\",\"json-type\":\"boolean\"},"                                        \
    "{\"name\":\"any\",\"meta-type\":\"builtin\",\"json-type\":\"value\"}]"

#define ORDER_SCHEMA_HOTPLUG ORDER_SCHEMA_WITH("\"secret\",\"monitor-qmp\"")
#define ORDER_SCHEMA_SHARED ORDER_SCHEMA_WITH("\"secret\"")
