# SPDX-License-Identifier: LGPL-2.1-or-later
"""What QEMU understands, as it is found out: from each VM's own QEMU, when it is needed, in whatever state QEMU is,
and whatever it says. With scripted QEMUs, for what no real one does."""
import json
import os
import random
import xml.etree.ElementTree as ElementTree

from gi.repository import GLib

from harness import DIE, SILENCE, CallError, Message, Peer, Raw, Steps, main, wait_until
from mapping import get_qmp_name
from monitor import ANSWERS, DISCONNECTED, INVALID_ARGS, NAME, MonitorTest, requests, variants

LIMITS_EXCEEDED = 'org.freedesktop.DBus.Error.LimitsExceeded'
UNKNOWN_METHOD = 'org.freedesktop.DBus.Error.UnknownMethod'
BUILTINS = [{'name': name, 'meta-type': 'builtin', 'json-type': json_type} for name, json_type in (
    ('int', 'int'), ('number', 'number'), ('bool', 'boolean'), ('str', 'string'), ('null', 'null'), ('any', 'value'))]


def command(name, arguments='empty', result='empty', **more):
    return {'name': name, 'meta-type': 'command', 'arg-type': arguments, 'ret-type': result, **more}


def struct(name, /, **members):
    """Members whose type is preceded by `?` are optional."""
    return {'name': name, 'meta-type': 'object', 'members': [
        {'name': member, 'type': kind.lstrip('?'), **({'default': None} if kind[0] == '?' else {})}
        for member, kind in members.items()]}


def array(element):
    return {'name': f'[{element}]', 'meta-type': 'array', 'element-type': element}


def event_type(name, data='empty'):
    return {'name': name, 'meta-type': 'event', 'arg-type': data}


def event(name, **data):
    return Message({'timestamp': {'seconds': 1, 'microseconds': 5}, 'event': name, 'data': data})


EMPTY = struct('empty')
SMALL = [*BUILTINS, EMPTY, struct('n', n='int'), array('str'), struct('data', words='[str]', part='number'),
         command('query-status', result='data'), command('poke', 'n', 'n'), command('yank', **{'allow-oob': True}),
         event_type('POKED', 'data')]


class SchemaTest(MonitorTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def fake(self, name, schema=SMALL, commands=({'name': 'poke'},), **answers):
        """A VM whose QEMU answers so to query-qmp-schema and query-commands, and to the others in `answers`."""
        peer = self.start(Peer, {**ANSWERS, 'query-commands': list(commands) if isinstance(commands, tuple) else commands,
                                 'query-qmp-schema': schema, **answers})
        return self.add(name, f'unix:{peer.path}'), peer

    def start_introspect(self, vm):
        return self.caller.start(NAME, vm.path, 'org.freedesktop.DBus.Introspectable', 'Introspect')

    def methods(self, vm):
        """The QMP names of the methods."""
        interfaces = {interface.get('name'): interface for interface in ElementTree.fromstring(
            self.start_introspect(vm)()[0])}
        return {get_qmp_name(method) for method in interfaces[f'{NAME}.QMP'].findall('method')}


def asked(peer):
    return [command['execute'] for command in peer.commands if command.get('execute') == 'query-qmp-schema']


class FindingOut(SchemaTest):
    def test_not_before_it_is_needed(self):
        vm, peer = self.fake('a')
        vm.get_all()
        self.manager('GetVM', '(s)', 'a')
        self.assertEqual(asked(peer), [])
        self.assertEqual(self.methods(vm), {'query-status', 'poke', 'yank'})
        self.assertEqual(len(asked(peer)), 1)
        self.methods(vm)
        self.assertEqual(len(asked(peer)), 1)

    def test_not_for_an_event_without_data(self):
        """A thousand VMs that start say RESUME, each of which would cost its QEMU 30 ms."""
        vm, peer = self.fake('a')
        events = vm.record_events()
        peer.emit(Message({'timestamp': {'seconds': 1, 'microseconds': 5}, 'event': 'RESUME'}))
        self.assertEqual(events.wait('Resume'), ({}, 1000005))
        self.assertEqual(asked(peer), [])
        peer.emit(event('POKED', words=[], part=1))
        events.wait('Poked')
        self.assertEqual(len(asked(peer)), 1)

    def test_each_vm_is_asked_itself_and_once(self):
        fakes = [self.fake(f'vm{number}') for number in range(10)]
        for reply in [self.start_introspect(vm) for vm, _ in fakes]:
            self.assertIn('name="Poke"', reply()[0])
        for vm, peer in fakes:
            self.methods(vm)
            self.assertEqual(len(asked(peer)), 1)

    def test_what_one_says_is_for_none_that_says_something_else(self):
        """They run for one user and from one program, and list the same commands."""
        first, _ = self.fake('first')
        second, _ = self.fake('second', [*SMALL, command('more')])
        third, _ = self.fake('third')
        self.assertNotIn('more', self.methods(first))
        self.assertIn('more', self.methods(second))
        self.assertNotIn('more', self.methods(third))

    def test_a_vm_that_lies_lies_for_itself(self):
        """A QEMU that its guest has taken over puts the arguments of other VMs' calls into other places. What the contract
        promises has its places from there, on the liar too."""
        commands = ({'name': 'poke'}, {'name': 'set_link'})

        def schema(first, second):
            return [*SMALL[:-2], struct('link', name='str', up='bool'), struct('lie', up='str', name='bool'),
                    struct('pair', **{first: 'int', second: 'int'}), command('prod', 'pair'),
                    command('set_link', 'link' if first == 'from' else 'lie')]
        liar, bad = self.fake('liar', schema('to', 'from'), commands, prod={}, set_link={})
        honest, good = self.fake('honest', schema('from', 'to'), commands, prod={}, set_link={})
        for vm in (liar, honest):
            self.methods(vm)
        liar.qmp('Prod', '(xx)', 1, 2)
        honest.qmp('Prod', '(xx)', 1, 2)
        honest.qmp('SetLink', '(sb)', 'net0', True)
        self.assertEqual([command['arguments'] for command in requests(good)[-2:]],
                         [{'from': 1, 'to': 2}, {'name': 'net0', 'up': True}])
        self.assertEqual(requests(bad)[-1]['arguments'], {'to': 1, 'from': 2})
        self.assert_fails(INVALID_ARGS, 'name: a boolean is expected', liar.start('QMP', 'SetLink', '(sb)', 'net0', True))

    def test_one_that_goes_while_it_is_asked_takes_no_other_along(self):
        first, peer = self.fake('first', schema=SILENCE)
        others = [self.fake(name)[0] for name in ('second', 'third')]
        replies = [self.start_introspect(vm) for vm in (first, *others)]
        wait_until(lambda: asked(peer))
        peer.stop()
        self.assert_fails(DISCONNECTED, '', replies[0])
        for reply in replies[1:]:
            self.assertIn('name="Poke"', reply()[0])

    def test_a_vm_that_does_not_answer_holds_up_no_other(self):
        first, peer = self.fake('first', schema=SILENCE)
        second, _ = self.fake('second')
        reply = self.start_introspect(first)
        wait_until(lambda: asked(peer))
        self.assertIn('blockdev-add', self.methods(first))
        reply()
        wait_until(lambda: self.methods(second) == {'query-status', 'poke', 'yank'})

    def test_vms_that_wait_may_go(self):
        first, peer = self.fake('first', schema=SILENCE)
        second, other = self.fake('second', schema=SILENCE)
        replies = [self.start_introspect(vm) for vm in (first, second)]
        wait_until(lambda: asked(peer) and asked(other))
        self.manager('RemoveVM', '(o)', second.path)
        self.manager('RemoveVM', '(o)', first.path)
        for reply in replies:
            self.assert_fails(DISCONNECTED, '', reply)

    def test_the_agent_may_stop_meanwhile(self):
        first, peer = self.fake('first', schema=SILENCE)
        second, _ = self.fake('second', schema=SILENCE)  # one that answers may do so before the signal comes
        replies = [self.start_introspect(first), first.start('QMP', 'Poke', '(i)', 1)]
        wait_until(lambda: asked(peer))
        replies.append(self.start_introspect(second))
        peer.emit(event('POKED'))
        self.agent.kill(15)
        self.assertEqual(self.agent.wait(), 0, self.agent.output)
        for reply in replies:
            with self.assertRaises(CallError):
                reply()


class WithoutIt(SchemaTest):
    """The contract stands for what QEMU does not tell."""

    def check_contract(self, vm, peer):
        self.assertIn('blockdev-add', self.methods(vm))
        self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
        self.assertIsNone(vm.qmp('SetLink', '(sb)', 'net0', True))
        self.assertEqual(requests(peer)[-1]['arguments'], {'name': 'net0', 'up': True})

    def test_lies(self):
        for number, lie in enumerate((
                {}, [1], [{'name': 'a'}], [*SMALL, command('x', 'nowhere')], [*SMALL, command('x', 'int')],
                [{'name': 'a', 'meta-type': 'array', 'element-type': 'a'}], 'schema', None, 5,
                [*SMALL, command('odd "<name>')], [*SMALL, struct('x', **{'a\x01': 'int'})], [*SMALL, command('poke')],
                lambda asked: Raw(b'{"return": [inf]%s}' % (b', "id": %d' % asked['id'] if 'id' in asked else b'')),
                Message({'error': {'class': 'CommandNotFound', 'desc': 'no'}}))):
            with self.subTest(str(lie)[:40]):
                vm, peer = self.fake(f'vm{number}', lie, set_link={})
                self.check_contract(vm, peer)

    def test_too_much(self):
        """One type that is too long; and types that are not, of which there are too many."""
        for number, types in enumerate(([['x' * 100] * 30000], [[f'{n}-{i:0100}' for i in range(500)] for n in range(45)])):
            with self.subTest(number):
                vm, peer = self.fake(f'vm{number}', [EMPTY, *({'name': f'x{n}', 'meta-type': 'enum', 'values': values}
                                                              for n, values in enumerate(types))], set_link={})
                self.check_contract(vm, peer)

    def test_silence(self):
        """A QEMU whose monitor is held up by a command: nothing waits for ever, and out-of-band commands not at all."""
        vm, peer = self.fake('a', schema=SILENCE, set_link={}, yank={})
        events = vm.record_events()
        replies = [self.start_introspect(vm), vm.start('QMP', 'SetLink', '(sb)', 'net0', True)]
        peer.emit(event('RESET'))
        vm.qmp('Yank', '(av)', [])
        self.assertIn('yank', [command.get('exec-oob') for command in peer.commands])
        self.assertNotIn('set_link', str(peer.commands))
        events.wait('Reset')
        self.assertIn('blockdev-add', str(replies[0]()))
        replies[1]()

    def test_death(self):
        for death in (DIE, Steps([Raw(b'{"return": [{"na'), DIE])):
            with self.subTest(death):
                vm, _ = self.fake('a', death)
                self.assert_fails(DISCONNECTED, '', self.start_introspect(vm))
                wait_until(lambda: not vm.is_there())


class Waiting(SchemaTest):
    def test_a_callers_order_is_kept(self):
        vm, peer = self.fake('a', poke=lambda command: command['arguments'])
        replies = []
        for number in range(0, 40, 2):
            replies += [vm.start('QMP', 'Poke', '(i)', number), vm.start_execute('poke', n=('i', number + 1))]
        for reply in replies:
            reply()
        self.assertEqual([command['arguments']['n'] for command in requests(peer)
                          if command['execute'] == 'poke'], list(range(40)))

    def test_events_come_before_the_replies_after_them(self):
        vm, _ = self.fake('a', poke=Steps([event('POKED', words=[], part=1), event('RESET'), {'n': 1}]))
        signals = vm.record_events().signals
        vm.execute('poke', n=('i', 1))
        self.assertEqual([signal[2] for signal in signals], ['Poked'])

    def test_what_a_leaving_caller_asked_for_is_not_done(self):
        vm, peer = self.fake('a', schema=SILENCE, poke={})
        leaver = self.connect()
        leaver.start(NAME, vm.path, f'{NAME}.QMP', 'Poke', '(i)', 1)
        leaver.start(NAME, vm.path, f'{NAME}.VM', 'Execute', '(sa{sv})', 'poke', {})
        leaver.start(NAME, vm.path, 'org.freedesktop.DBus.Introspectable', 'Introspect')
        wait_until(lambda: asked(peer))
        leaver.stop()
        self.assertIn('blockdev-add', self.methods(vm))
        self.assertNotIn('poke', str(peer.commands))

    def test_no_more_than_is_reasonable(self):
        vm, _ = self.fake('a', schema=SILENCE)
        modest = self.connect()
        replies = [vm.start('QMP', 'Poke', '(s)', 'x' * 200000) for _ in range(10)]
        self.assert_fails(LIMITS_EXCEEDED, 'wait already', replies[-1])
        with open('/dev/null', 'rb') as null:
            replies = [self.caller.start(NAME, vm.path, f'{NAME}.QMP', 'Getfd', '(hs)', 0, 'x', fds=[null.fileno()])
                       for _ in range(20)]
        self.assert_fails(LIMITS_EXCEEDED, 'wait already', replies[-1])
        replies = [self.start_introspect(vm) for _ in range(200)]
        self.assert_fails(LIMITS_EXCEEDED, 'wait already', replies[-1])
        self.assertIn('blockdev-add', modest.call(NAME, vm.path, 'org.freedesktop.DBus.Introspectable',
                                                  'Introspect')[0])

    def test_more_events_than_are_kept(self):
        vm, peer = self.fake('a', schema=SILENCE)
        signals = vm.record_events().signals
        for number in range(1500):
            peer.emit(event('POKED', part=number))
        wait_until(lambda: len(signals) == 1500)
        self.assertEqual([values[0]['part'] for _, _, _, values in signals], list(range(1500)))


class Meaning(SchemaTest):
    def test_what_the_schema_does_not_know(self):
        """Of events and of results: nothing is lost."""
        vm, peer = self.fake('a', poke={'n': 1, 'new': {'a': [1, 0.5]}})
        self.assertEqual(vm.qmp('Poke', '(i)', 1), {'n': 1, 'new': {'a': [1, 0.5]}})
        signals = vm.record_events().signals
        general = self.caller.record(interface=f'{NAME}.VM', member='Event')
        peer.emit(event('POKED', words=[], part=1, extra=None))
        peer.emit(event('UNKNOWN', a=1))
        wait_until(lambda: general)
        self.assertEqual([signal[2] for signal in signals], ['Poked'])
        self.assertEqual(signals[0][3][0], {'words': [], 'part': 1.0, 'extra': ''})
        self.assertEqual(general[0][3], ('UNKNOWN', {'a': 1}, 1000005))

    def test_names(self):
        """Downstream ones follow the rule; what makes no name of its own goes by Execute."""
        schema = [*SMALL, command('__com.redhat_drive_add'), command('a-b', result='data'), command('a_b'),
                  command('4ever')]
        vm, _ = self.fake('a', schema, **{'a-b': {'words': [], 'part': 2}, '__com.redhat_drive_add': {}, '4ever': {}})
        self.assertEqual(self.methods(vm), {'query-status', 'poke', 'yank', '__com.redhat_drive_add', 'a-b'})
        self.assertEqual(vm.qmp('AB'), {'words': [], 'part': 2})
        self.assert_fails(UNKNOWN_METHOD, 'Execute', vm.start('QMP', '4ever'.capitalize().replace('4', 'Four')))
        self.assertEqual(vm.execute('4ever'), {})

    def test_out_of_band_commands_are(self):
        vm, peer = self.fake('a', yank={}, poke={})
        self.methods(vm)
        vm.qmp('Yank')
        vm.execute('yank')
        vm.execute('poke')
        self.assertEqual([next(iter(command)) for command in requests(peer)[-3:]], ['exec-oob', 'exec-oob', 'execute'])

    def test_wrong_arguments_are_not_sent(self):
        vm, peer = self.fake('a', poke={'n': 1})
        vm.qmp('Poke', '(i)', 1)
        before = len(peer.commands)
        for signature, arguments in (('(s)', ('x',)), ('(a{sv})', ({},)), ('()', ()), ('(ii)', (1, 2)),
                                     ('(a{sv})', (variants({'n': ('i', 1), 'm': ('i', 1)}),)),
                                     ('(ia{sv})', (1, variants({'n': ('i', 1)})))):
            self.assert_fails(INVALID_ARGS, '', vm.start('QMP', 'Poke', signature, *arguments))
        self.assertEqual(len(peer.commands), before)


class Generated(SchemaTest):
    """Values of types that chance has made, to a QEMU that sends them back: what arrives there and what comes back is what
    was sent, of the type that the mapping says."""

    def test_round_trips(self):
        seed = int(os.environ.get('SEED', random.randrange(2 ** 32)))
        chance = random.Random(seed)
        for number in range(30):
            with self.subTest(seed=seed, number=number):
                self.check_round_trips(Types(chance), number)

    def check_round_trips(self, types, number):
        schema = [*BUILTINS, *types.entities, command('echo', 'top', 'top')]
        vm, peer = self.fake(f'vm{number}', schema, commands=({'name': f'echo{number}'},),
                             echo=lambda request: request.get('arguments', {}))
        for _ in range(10):
            value = types.make_value('top', 0)
            sent = {name: types.to_variant(types.member('top', name), member) for name, member in value.items()}
            reply = vm.start('QMP', 'Echo', '(a{sv})', sent, unpack=False)().get_child_value(0)
            self.assertEqual(exact(requests(peer)[-1].get('arguments', {})), exact(value))
            self.assertEqual(exact(from_variant(reply)), exact(value))
            self.assertEqual(reply.print_(True), GLib.Variant('a{sv}', {
                name: types.to_variant(types.member('top', name), member, True)
                for name, member in value.items()}).print_(True))
        self.manager('RemoveVM', '(o)', vm.path)


def exact(value):
    """With 1, 1.0 and True told apart."""
    return json.dumps(value, sort_keys=True)


def from_variant(variant):
    kind = variant.get_type_string()
    if kind == 'v':
        return from_variant(variant.get_variant())
    if kind.startswith('a{'):
        return {name: from_variant(variant.lookup_value(name, None)) for name in variant.keys()}
    if kind.startswith('a'):
        return [from_variant(variant.get_child_value(number)) for number in range(variant.n_children())]
    return None if kind == 'g' else variant.unpack()


class Types:
    """A schema by chance, values of its types, and what the design makes of them."""
    SCALARS = {'int': 'x', 'number': 'd', 'bool': 'b', 'str': 's', 'null': 'g', 'word': 's'}
    INTEGERS = (0, 1, -1, 2 ** 31, -2 ** 63, 2 ** 63 - 1, 2 ** 63, 2 ** 64 - 1)
    NUMBERS = (0.1, -0.0, 1e300, 5e-324, 1.7976931348623157e308, 3.5, 2.0 ** 53)
    TEXTS = ('', 'plain', 'quote " \\ back', 'é🐧\u2028', '\x01\x1f\n', '\ufdd0mark', '\ufdd0"x"')

    def __init__(self, chance):
        self.chance = chance
        self.types = {}
        self.add({'name': 'word', 'meta-type': 'enum', 'values': ['one', 'two', 'three']})
        names = [f't{number}' for number in range(8)] + ['top']
        for name in names:
            self.add_type(name, [*self.SCALARS, 'any', *(other for other in names if other != 'top')])

    @property
    def entities(self):
        return list(self.types.values())

    def add(self, entity):
        self.types[entity['name']] = entity

    def add_type(self, name, choices):
        kind = 'object' if name == 'top' else self.chance.choice(['object', 'array', 'alternate', 'union', 'object'])
        if kind == 'array':
            self.add({'name': name, 'meta-type': 'array', 'element-type': self.chance.choice(
                [*self.SCALARS, 'any', 'top2'])})
            self.types.setdefault('top2', struct('top2', **{'a-b': '?int', 'self': '?top2'}))
        elif kind == 'alternate':
            self.types.setdefault('top2', struct('top2', **{'a-b': '?int', 'self': '?top2'}))
            branches = self.chance.sample(['int', 'bool', 'str', 'null', 'top2'], 3)
            self.add({'name': name, 'meta-type': 'alternate', 'members': [{'type': branch} for branch in branches]})
        else:
            members = {f'm-{number}': self.chance.choice(['', '?']) + self.chance.choice(choices)
                       for number in range(self.chance.randrange(name == 'top', 5))}
            # What is required must end somewhere.
            members = {member: kind if kind in self.SCALARS else '?' + kind.lstrip('?')
                       for member, kind in members.items()}
            entity = struct(name, **members)
            if kind == 'union':
                entity['members'].append({'name': 'kind', 'type': 'word'})
                entity['tag'] = 'kind'
                entity['variants'] = [{'case': word, 'type': f'{name}-{word}'} for word in ('one', 'two', 'three')]
                for word in ('one', 'two', 'three'):
                    self.add(struct(f'{name}-{word}', **{f'{word}-member': self.chance.choice(list(self.SCALARS))}))
            self.add(entity)

    def members(self, name, value=None):
        entity = self.types[name]
        members = list(entity['members'])
        if 'tag' in entity and value:
            members += self.types[f'{name}-{value["kind"]}']['members']
        return members

    def member(self, name, member, value=None):
        return next(entry['type'] for entry in self.members(name, value) if entry['name'] == member)

    def make_value(self, name, depth):
        chance = self.chance
        scalars = {'int': self.INTEGERS, 'number': self.NUMBERS, 'bool': (True, False), 'str': self.TEXTS,
                   'null': (None,), 'word': ('one', 'two', 'three')}
        if name in scalars:
            return chance.choice(scalars[name])
        if name == 'any':
            return chance.choice([1, 'x', None, [], {}, [1, 2], [1, 'x'], {'a': [{}]}, [[1], []], 2 ** 64 - 1])
        entity = self.types[name]
        if entity['meta-type'] == 'array':
            return [self.make_value(entity['element-type'], depth + 1) for _ in range(chance.randrange(4))]
        if entity['meta-type'] == 'alternate':
            return self.make_value(chance.choice(entity['members'])['type'], depth + 1)
        return self.make_object(name, depth)

    def make_object(self, name, depth):
        value = {'kind': self.chance.choice(['one', 'two', 'three'])} if 'tag' in self.types[name] else {}
        for entry in self.members(name, value):
            if entry['name'] == 'kind' or ('default' in entry and (depth > 3 or self.chance.random() < 0.4)):
                continue
            value[entry['name']] = self.make_value(entry['type'], depth + 1)
        return value

    def signature(self, name):
        if name in self.SCALARS:
            return self.SCALARS[name]
        meta = self.types[name]['meta-type'] if name in self.types else 'any'
        return {'object': 'a{sv}', 'array': 'a', 'any': 'v', 'alternate': 'v'}[meta] + (
            self.signature(self.types[name]['element-type']) if meta == 'array' else '')

    def to_variant(self, name, value, reply=False):
        """As it is sent or, with the schema's types, as it comes back."""
        entity = self.types.get(name, {'meta-type': name})
        if entity['meta-type'] == 'alternate':
            name = next(branch['type'] for branch in entity['members'] if self.is_of(branch['type'], value))
            return self.to_variant(name, value, reply)
        if entity['meta-type'] == 'any':
            return natural(value)
        if entity['meta-type'] == 'object':
            return GLib.Variant('a{sv}', {key: self.to_variant(self.member(name, key, value), member, reply)
                                          for key, member in value.items()})
        if entity['meta-type'] == 'array':
            return self.array_to_variant(entity['element-type'], value, reply)
        if name == 'int' and value >= 2 ** 63:
            return GLib.Variant('t', value)
        return GLib.Variant(self.SCALARS[name], '' if value is None else value)

    def array_to_variant(self, element, value, reply):
        if element == 'int' and any(number >= 2 ** 63 for number in value):
            return natural(value)
        kind = self.signature(element)
        children = [self.to_variant(element, child, reply) for child in value]
        builder = GLib.VariantBuilder(GLib.VariantType(f'a{kind}'))
        for child in children:
            builder.add_value(GLib.Variant('v', child) if kind == 'v' else child)
        return builder.end()

    @staticmethod
    def is_of(name, value):
        return {'int': type(value) is int, 'bool': type(value) is bool, 'str': type(value) is str,
                'null': value is None, 'top2': type(value) is dict}[name]


def natural(value):
    """The type that a value has by itself."""
    if isinstance(value, dict):
        return GLib.Variant('a{sv}', {name: natural(member) for name, member in value.items()})
    if isinstance(value, list):
        children = [natural(child) for child in value]
        kinds = {child.get_type_string() for child in children}
        kind = kinds.pop() if len(kinds) == 1 else 'v'
        builder = GLib.VariantBuilder(GLib.VariantType(f'a{kind}'))
        for child in children:
            builder.add_value(GLib.Variant('v', child) if kind == 'v' else child)
        return builder.end()
    if value is None:
        return GLib.Variant('g', '')
    kinds = {bool: 'b', int: 't' if isinstance(value, int) and value >= 2 ** 63 else 'x', float: 'd', str: 's'}
    return GLib.Variant(kinds[type(value)], value)


if __name__ == '__main__':
    main()
