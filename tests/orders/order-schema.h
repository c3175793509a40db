/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The schema of a QEMU that has a few commands: the answer to query-qmp-schema, with monitors as objects or without. */
#pragma once

#define ORDER_SCHEMA_OF(qom_types)                                                                                    \
    "[{\"name\":\"add-fd\",\"meta-type\":\"command\",\"arg-type\":\"5\",\"ret-type\":\"6\"},"                         \
    "{\"name\":\"job-cancel\",\"meta-type\":\"command\",\"arg-type\":\"7\",\"ret-type\":\"0\"},"                      \
    "{\"name\":\"screendump\",\"meta-type\":\"command\",\"arg-type\":\"8\",\"ret-type\":\"0\"},"                      \
    "{\"name\":\"5\",\"meta-type\":\"object\",\"members\":[{\"name\":\"opaque\",\"type\":\"str\",\"default\":null}]}" \
    ","                                                                                                               \
    "{\"name\":\"6\",\"meta-type\":\"object\",\"members\":[{\"name\":\"fdset-id\",\"type\":\"int\"},"                 \
    "{\"name\":\"fd\",\"type\":\"int\"}]},"                                                                           \
    "{\"name\":\"7\",\"meta-type\":\"object\",\"members\":[{\"name\":\"id\",\"type\":\"str\"}]},"                     \
    "{\"name\":\"8\",\"meta-type\":\"object\",\"members\":[{\"name\":\"filename\",\"type\":\"str\"},"                 \
    "{\"name\":\"format\",\"type\":\"str\",\"default\":null}]},"                                                      \
    "{\"name\":\"int\",\"meta-type\":\"builtin\",\"json-type\":\"int\"},"                                             \
    "{\"name\":\"blockdev-create\",\"meta-type\":\"command\",\"arg-type\":\"1\",\"ret-type\":\"0\"},"                 \
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

#define ORDER_SCHEMA ORDER_SCHEMA_OF("\"secret\"")
#define ORDER_SCHEMA_WITH_MONITORS ORDER_SCHEMA_OF("\"secret\",\"monitor-qmp\"")
