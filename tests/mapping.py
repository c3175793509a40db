# SPDX-License-Identifier: LGPL-2.1-or-later
"""The mapping of QMP to D-Bus as the design says it, for the tests that hold the module and the contract against QEMU's
schema."""
import os
import re
import xml.etree.ElementTree as ElementTree

from monitor import NAME

# Which promises a signature for what it lists, whatever a QEMU's schema would make of it.
CONTRACT = {method.get('name'): method for interface in ElementTree.parse(os.environ['CONTRACT']).getroot()
            if interface.get('name') == f'{NAME}.QMP' for method in interface.findall('method')}
BUILTIN = {'int': 'x', 'number': 'd', 'boolean': 'b', 'string': 's', 'null': 'g', 'value': 'v'}
# One dictionary of everything, which every method takes.
ANY_FORM = [('a{sv}', 'arguments')]


def get_member(qmp_name):
    """The D-Bus name of a command or event."""
    return ''.join(word.capitalize() for word in re.split('[^A-Za-z0-9]+', qmp_name))


def get_type(schema, name):
    entity = schema[name]
    match entity['meta-type']:
        case 'builtin':
            return BUILTIN[entity['json-type']]
        case 'enum':
            return 's'
        case 'object':
            return 'a{sv}'
        case 'array':
            return 'a' + get_type(schema, entity['element-type'])
    return 'v'


def get_in(schema, command):
    """The (type, QMP name) of each in-argument."""
    entity = schema[command['arg-type']]
    required = [(get_type(schema, member['type']), member['name'])
                for member in entity['members'] if 'default' not in member]
    if 'variants' in entity or [kind for kind, _ in required] == ['a{sv}']:
        return ANY_FORM
    fd = [('h', 'fd')] if command['name'] in ('getfd', 'add-fd') else []
    options = [('a{sv}', 'options')] if len(required) < len(entity['members']) else []
    return fd + required + options


def get_out(schema, command):
    entity = schema[command['ret-type']]
    if entity['meta-type'] == 'object' and not entity['members'] and 'variants' not in entity:
        return []
    return [(get_type(schema, command['ret-type']), 'result')]


def get_shown(schema, command, direction):
    """The (type, QMP name) of each argument that the introspection of a VM shows, in or out."""
    promised = CONTRACT.get(get_member(command['name']))
    if promised is not None:
        return get_arguments(promised, direction)
    return get_in(schema, command) if direction == 'in' else get_out(schema, command)


def get_annotation(element, name):
    for annotation in element.findall('annotation'):
        if annotation.get('name') == name:
            return annotation.get('value')
    return None


def get_qmp_name(element):
    return get_annotation(element, f'{NAME}.Name')


def get_arguments(member, direction=None):
    """The (type, QMP name) of each argument, as in get_in()."""
    return [(arg.get('type'), get_qmp_name(arg) or arg.get('name'))
            for arg in member.findall('arg') if arg.get('direction') == direction]
