# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a QMP client may say, good and bad: each is said to a monitor of QEMU's own and to a native session, and what comes
back is compared byte for byte. A command that both answer alike follows each, so that nobody waits for a time."""

STATUS = b'{"execute":"query-status"'


def with_ids(*ids):
    return [STATUS + b',"id":' + text + b'}' for text in ids]


NOT_NEGOTIATED = [
    STATUS + b',"id":1}', b'{"exec-oob":"query-yank"}', b'{"execute":"nosuch"}', b'{}', b'[]', b'}', b'{"execute":5}',
    b'{"execute":"query-status","foo":1}', b'{"exec-oob":"qmp_capabilities"}',
    b'{"execute":"qmp_capabilities","foo":1}',
    b'{"execute":"qmp_capabilities","arguments":{"enable":["foo"]}}',
    b'{"execute":"qmp_capabilities","arguments":{"enable":"oob"}}',
    b'{"execute":"qmp_capabilities","arguments":{"enable":[5]},"id":[]}',
    b'{"execute":"qmp_capabilities","arguments":{"x":[5]}}',
    b'{"execute":"qmp_capabilities","arguments":5}',
]

IDS = with_ids(
    b'1', b'0', b'-1', b'-0', b'18446744073709551615', b'-9223372036854775808', b'99999999999999999999', b'0.1', b'1e2',
    b'-0.0', b'1.7976931348623157e308', b'5e-324', b'1e-400', b'null', b'true', b'false', b'""', b'"abc"', b'[]', b'{}',
    b'[1,2,[null,{"a":-0.25}]]', b'{"a":{"b":[]}}', b'"a\\u0041\\/\xc3\xa9\\u00e9\\ud83d\\ude00"', b'"\\u0000"',
    b'"\xc0\x80"', b'"\\u0001\\u007f\\b\\"\\\\"', b"'it\\'s \"q\"'")

COMMANDS = [
    # As Python's qemu.qmp and its qmp-shell, with and without -H, send them.
    b'{"execute": "query-status", "id": "__qmp#00001"}',
    b'{"execute": "human-monitor-command", "arguments": {"command-line": "help info", "cpu-index": 0}, "id": "__qmp#00002"}',
    b'{"execute": "human-monitor-command", "arguments": {"command-line": "info version"}, "id": "__qmp#00003"}\r',
    STATUS + b'}', STATUS + b',"arguments":{}}', b'{"execute":\n"query-status"\r\n}', b"{'execute':'query-status'}",
    STATUS + b'}' + STATUS + b',"id":2}' + STATUS + b'}', b'{"execute":"query-version","id":1}', b'{"execute":"query-hotpluggable-cpus"}',
    b'{"execute":"query-command-line-options","arguments":{"option":"smp-opts"}}', b'{"execute":"qom-list","arguments":{"path":"/"}}',
    b'{"execute":"qom-get","arguments":{"path":"/machine","property":"type"}}',
    b'{"execute":"human-monitor-command","arguments":{"command-line":"info status"},"id":"hmp"}',
    b'{"execute":"human-monitor-command","arguments":{"command-line":"info nosuch"}}',
    b'{"execute":"stop"} {"execute":"cont","id":2}', b'{"execute":"stop","id":1}', b'{"execute":"cont"}',
    b'{"execute":"system_reset"}', b'{"execute":"query-block"}', b'{"execute":"query-memory-size-summary"}',
    b'{"execute":"blockdev-add","arguments":{"driver":"null-co","node-name":"n"}}',
    b'{"execute":"query-named-block-nodes","id":{"x":1}}',
    b'{"execute":"blockdev-del","arguments":{"node-name":"n"}}',
    b'{"execute":"query-qmp-schema","id":"large"}',
]

REFUSED = [
    b'{"execute":"nosuch","id":5}', b'{"execute":"nosuch"}', b'{"execute":"","id":""}', b'{"execute":"a\xc3\xa9"}',
    b'{"execute":"query-\\u0000status"}', b'{"execute":"qmp_capabilities"}',
    b'{"execute":"qmp_capabilities","arguments":{"enable":["oob"]},"id":4}',
    b'{"execute":1}', b'{"execute":null,"id":1}', STATUS + b',"arguments":5}', STATUS + b',"arguments":null}',
    STATUS + b',"arguments":{"x":1},"id":7}', STATUS + b',"foo":5}', STATUS + b',"a\xc3\xa9":5}',
    STATUS + b',"arg\\u0000uments":5}', STATUS + b',"exec-oob":"query-status"}', b'{"exec-oob":"query-status","id":1}',
    b'{"exec-oob":1,"id":2}', b'{"id":7}', b'{}', b'[]', b'[1,2]', b'5 ', b'"abc"', b'true ', b'null ', b'-5 ',
    b'{"arguments":{},"id":3}', b'{"arguments":5}', b'{"id":[],"foo":1}',
    b'{"execute":"set_link","arguments":{"name":5,"up":true}}', b'{"execute":"set_link","arguments":{}}',
    b'{"execute":"set_link","arguments":{"name":"a","up":true,"z":1}}',
    b'{"execute":"set_link","arguments":{"name":"\xc3\xa9\\u007f\\n","up":true},"id":"\xc3\xa9"}',
    b'{"execute":"device_add","arguments":{"driver":"nosuch\xc3\xa9"}}',
    b'{"execute":"device_del","arguments":{"id":"nosuch"}}',
    b'{"execute":"object-del","arguments":{"id":"nosuch\\n\\"\xc3\xa9"}}',
    b'{"execute":"blockdev-add","arguments":{"driver":"file","filename":5}}',
    b'{"execute":"getfd","arguments":{"fdname":"x"}}', b'{"execute":"getfd","arguments":{"fdname":"1x"}}',
    b'{"execute":"add-fd","id":1}', b'{"execute":"closefd","arguments":{"fdname":"x"}}',
]

NO_JSON = [
    STATUS + b',}', STATUS + b' "id":1}', b'{"execute"}', b'{"execute":}', b'{execute:1}', b'{true:1}', b'{1:2}', b'{,}',
    b'{]', b'[}', b'{"a" 1}', b'{"a",}', b'{"a":1 2}', b'{"a":1,"a":2}', b'{"a":1,"a":{"b":2}} ', b'{"a":1,"a":[1,{"c":3}]}',
    STATUS + b',"execute":"query-status","id":3}', b'[1 2]', b'[,]', b'[1,]', b'[[1,2,],5]', b'[{"a" 1},{"b" 2}]',
    b'}', b']', b':', b',', b'}}}', b'{"a":]', STATUS + b'}}', STATUS + b']' + STATUS + b'}', b'[1,2}' + STATUS + b'}',
    b'abc def ', b'nul ', b'TRUE ', b'[tru,fals]', b'tru' + STATUS + b'}', STATUS + b',"arguments":{"a":tru}}',
    *with_ids(b'01', b'1.', b'.5', b'+5', b'-', b'1e', b'1.5e+', b'"\\x"', b'"\\u12"', b'"\\u000g"', b'"\\ud800"',
              b'"\\ude00"', b'"\\ud83d\\ud83d"', b'"\\ud83dx"', b'"\\ufffe"', b'"\\ufdd0"', b'"abc\ttab"', b'"a\nb"',
              b'"\xff"', b'"\xc3"', b'"\x80"', b'"\xc1\x81"', b'"\xe0\x80\x80"', b'"\xed\xa0\x80"', b'"\xef\xbf\xbf"',
              b'"\xf4\x90\x80\x80"'),
    b'0x10 ', b'%d ', b'- ', b'-x ', b'\xff', b'\x00', b'\x1b', b'\xef\xbb\xbf' + STATUS + b'}',
    b'{"exec\xff":1}', b'{"execute":"a\x01b"}', STATUS + b'}\x00' + STATUS + b'}', b'{"a":@}', b'{"a":@ "execute":"x"}',
    b'[)]{}', b'+a\x015,', b'+a\xfe5 ', b'+\'a"5,', b'+\n5 ', b'"a\n}', b'-\n}', b'tru\n}', b'[1 2 @] ', b'[1 2 [ @ ] ] }',
    b'{"a" 1, "b" @}', b'"%d" ', b'[' * 1024 + b']' * 1024, b'[' * 1030 + b']' * 1030,
    b'{"a":"\\q","b":"\\z"}', b'{"a":"\\q" 5}', b'"a',
]

OUT_OF_BAND = [
    b'{"exec-oob":"yank","arguments":{"instances":[]},"id":1}', b'{"exec-oob":"yank"}', b'{"exec-oob":"nosuch","id":2}',
    b'{"exec-oob":"query-status","id":3}', b'{"exec-oob":1,"id":2}', STATUS + b',"exec-oob":"query-status"}',
    b'{"exec-oob":"migrate-recover","arguments":{"uri":"x"},"id":4}', b'{"execute":"yank","arguments":{"instances":[]}}',
]

# What is not as QEMU has it, and why.
DIFFERENT = [
    # QEMU prints `inf`, which is not JSON.
    (STATUS + b',"id":1e400}', b'JSON parse error, a number too large for a double'),
    # QEMU writes an object's members in the order of its hash table, and looks at a request's in it; here it is the order given.
    (STATUS + b',"id":{"zeta":1,"alpha":2}}', b'"id": {"zeta": 1, "alpha": 2}'),
    (b'{"zzz":1,"aaa":2,"execute":5}', b"QMP input member 'zzz' is unexpected"),
    # What is the agent's own cannot be named.
    (b'{"execute":"object-del","arguments":{"id":"org.qemu.Monitor1-1"}}', b'the agent\'s own'),
    # 256 KiB are the most for a command's arguments, 64 MiB for QEMU.
    (STATUS + b',"id":"' + b'x' * 270000 + b'"}', b'"JSON token size limit exceeded"'),
]
