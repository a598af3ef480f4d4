-- SPDX-License-Identifier: GPL-2.0-only
-- Python code for gdb on a replay: commands that go to another instruction.
--
-- A replay goes forwards only. Each way back is a new replay, up to an earlier
-- instruction: gdb connects to a new `provium replay --serve`, and keeps its
-- breakpoints and symbols.
--
-- Before this code stand PROVIUM_REPLAY, the command that serves a replay, and
-- PROVIUM_END, the number of instructions of the recording.

return [==[
import contextlib
import os
import re

@contextlib.contextmanager
def quiet():
    """Drops what gdb says about each stop: no option of gdb does that."""
    gdb.flush()
    terminal, null = os.dup(1), os.open('/dev/null', os.O_WRONLY)
    os.dup2(null, 1)
    try:
        yield
    finally:
        gdb.flush()
        os.dup2(terminal, 1)
        os.close(terminal)
        os.close(null)

class Replay:
    FIRST_WINDOW = 1 << 20      # instructions
    WIDER = 16

    def count(self):
        said = gdb.execute('monitor info replay', to_string=True)
        return int(re.search(r'instruction count = (\d+)', said).group(1))

    def go(self, at):
        """Goes to where the guest has executed that many instructions."""
        if gdb.selected_inferior().pid:
            gdb.execute('disconnect', to_string=True)
        shell = os.environ.get('SHELL')
        os.environ['SHELL'] = '/bin/sh' # which runs the command, and no file of the user's
        try:
            with quiet():
                gdb.execute('target remote | %s %d' % (PROVIUM_REPLAY, at))
        finally:
            if shell is None:
                del os.environ['SHELL']
            else:
                os.environ['SHELL'] = shell

    def run(self, until):
        """Lets the guest run to a breakpoint, or to that instruction. Returns
the number of instructions."""
        gdb.execute('monitor replay_break %d' % until, to_string=True)
        with quiet():
            gdb.execute('continue')
        return self.count()

    def last_stop(self, make):
        """Goes to the last instruction before this one at which the breakpoint
that make() sets stops. Returns False, and stays, if there is none."""
        now, window = self.count(), self.FIRST_WINDOW
        others = [b for b in gdb.breakpoints() if b.enabled]
        for b in others:
            b.enabled = False
        try:
            while True:
                self.go(max(0, now - window))
                found = self.stops(make, now)
                if found:
                    self.go(found)
                    return True
                if window >= now:
                    self.go(now)
                    return False
                window *= self.WIDER
        finally:
            for b in others:
                b.enabled = True

    def stops(self, make, end):
        """Runs to end. Returns the last instruction at which the breakpoint
stopped before that, or None."""
        last, breakpoint = None, make()
        try:
            while True:
                at = self.run(end)
                if at >= end:
                    return last
                last = at
        finally:
            breakpoint.delete()

    def show(self):
        print('instruction %d of %d' % (self.count(), PROVIUM_END))
        gdb.execute('with pagination off -- frame')

# gdb's first request is answered when the replay has come to its instruction.
gdb.execute('set remotetimeout 3600')
provium_replay = Replay()

class Command(gdb.Command):
    """A command whose failure is a message, and no traceback of Python."""
    def invoke(self, argument, from_tty):
        try:
            self.run(argument)
        except gdb.error as why:
            raise gdb.GdbError(str(why))
        provium_replay.show()

class Instruction(Command):
    """Shows how many instructions the guest has executed, or goes to where it has
executed that many: instruction [NUMBER]"""
    def __init__(self):
        super().__init__('instruction', gdb.COMMAND_RUNNING)

    def run(self, argument):
        if argument.strip():
            at = int(gdb.parse_and_eval(argument))
            if not 0 <= at <= PROVIUM_END:
                raise gdb.GdbError('expected a number from 0 to %d' % PROVIUM_END)
            provium_replay.go(at)

class Back(Command):
    """Goes back by instructions, or to the last time that a function was entered
or a line was reached: back [NUMBER], back to FUNCTION, back to FILE:LINE"""
    def __init__(self):
        super().__init__('back', gdb.COMMAND_RUNNING, gdb.COMPLETE_LOCATION)

    def run(self, argument):
        words = argument.split(None, 1)
        if words and words[0] == 'to':
            if len(words) < 2:
                raise gdb.GdbError('back to: expected a function or FILE:LINE')
            self.to(words[1])
        else:
            n = int(gdb.parse_and_eval(argument)) if words else 1
            provium_replay.go(max(0, provium_replay.count() - n))

    def to(self, place):
        gdb.decode_line(place)  # an unknown place raises an error
        if not provium_replay.last_stop(lambda: gdb.Breakpoint(place, internal=True)):
            raise gdb.GdbError('%s was not reached before this instruction' % place)

class WatchBack(Command):
    """Goes back to the last write to an object: watch-back EXPRESSION, such as
watch-back head->count, or watch-back *(int *)0xffff888000010000"""
    def __init__(self):
        super().__init__('watch-back', gdb.COMMAND_RUNNING, gdb.COMPLETE_EXPRESSION)

    def run(self, argument):
        value = gdb.parse_and_eval(argument)
        if value.address is None:
            raise gdb.GdbError('%s has no address' % argument)
        type, address = value.type.strip_typedefs().unqualified(), int(value.address)
        if type.sizeof not in (1, 2, 4, 8):
            raise gdb.GdbError('%s has %d bytes; choose a part of 1, 2, 4 or 8' % (argument, type.sizeof))
        part = {1: 'char', 2: 'short', 4: 'int', 8: 'long'}[type.sizeof]
        def watch():
            return gdb.Breakpoint('*(%s *)0x%x' % (part, address), gdb.BP_WATCHPOINT,
                                  gdb.WP_WRITE, internal=True)
        if not provium_replay.last_stop(watch):
            raise gdb.GdbError('no write changed it before this instruction')
        print('stands after the write')

Instruction()
Back()
WatchBack()
]==]
