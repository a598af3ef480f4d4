-- SPDX-License-Identifier: GPL-2.0-only
-- Python code for gdb: the command `stacks`, which shows what each processor
-- does and in which functions tasks wait. gdb itself knows processors, and no
-- tasks that sleep. Follows gdb_modules.lua.

return [==[
import re

class Waiting(gdb.unwinder.Unwinder):
    """Lets a backtrace continue in a task that sleeps, from the current frame of the
processor. The task's registers are where __switch_to_asm has saved them: struct
inactive_task_frame, in arch/x86/include/asm/switch_to.h."""
    SAVED = ('r15', 'r14', 'r13', 'r12', 'rbx', 'rbp', 'rip')

    def __init__(self):
        super().__init__('provium-task')
        self.registers = None

    def start(self, sp):
        frame = gdb.newest_frame()
        self.at = [int(frame.read_register(name)) for name in ('rip', 'rsp')]
        values = struct.unpack('<7Q', read(sp, 56))
        self.registers = dict(zip(self.SAVED, values), rsp=sp + 56)
        gdb.invalidate_cached_frames()

    def end(self):
        self.registers = None
        gdb.invalidate_cached_frames()

    def __call__(self, frame):
        rip, rsp = frame.read_register('rip'), frame.read_register('rsp')
        if self.registers is None or [int(rip), int(rsp)] != self.at:
            return None
        info = frame.create_unwind_info(FrameId(rsp, rip))
        for name, value in self.registers.items():
            info.add_saved_register(name, gdb.Value(value).cast(frame.read_register(name).type))
        return info

def fields_of(name):
    """Returns { field: offset } of a structure, from the kernel's debugging
information or from that of a module."""
    try:
        return Layout.fields(name)
    except gdb.error:
        pass
    for path in PROVIUM_MODULES.values():
        gdb.execute('add-symbol-file "%s" -o 0' % path, to_string=True)
        try:
            return Layout.fields(name)
        except gdb.error:
            pass
        finally:
            gdb.execute('remove-symbol-file "%s"' % path, to_string=True)
    raise gdb.GdbError('%s is not in the debugging information of the kernel or of a module' % name)

class Tasks:
    """The tasks of the kernel, as struct task_struct lists them."""
    UNINTERRUPTIBLE, NO_LOAD = 2, 0x400     # TASK_*, in include/linux/sched.h
    MOST = 100000

    def __init__(self):
        self.task, self.sp = fields_of('struct task_struct'), fields_of('struct thread_struct')['sp']
        self.state = self.task['__state' if '__state' in self.task else 'state']
        self.seen = 0

    def number(self, task, field):
        return read_u64(task + self.task[field]) & 0xffffffff

    def list(self, head):
        """Yields the nodes of a struct list_head from head on."""
        at = head
        while self.seen < self.MOST:
            self.seen += 1
            yield at
            at = read_u64(at)
            if at == head:
                return

    def processes(self):
        first = int(gdb.parse_and_eval('(unsigned long)&init_task'))
        for node in self.list(first + self.task['tasks']):
            yield node - self.task['tasks']

    def all(self):
        """Yields all tasks. The head of a process's list of threads is in its struct
signal_struct, and belongs to no task."""
        for process in self.processes():
            signal = read_u64(process + self.task['signal'])
            for node in self.list(process + self.task['thread_node']):
                if not signal <= node < signal + 4096:
                    yield node - self.task['thread_node']

    def waits(self, task):
        """Does the task sleep such that no signal wakes it (state D)?"""
        state = read_u64(task + self.state)
        return state & self.UNINTERRUPTIBLE and not state & self.NO_LOAD and not self.number(task, 'on_cpu')

    def title(self, task):
        return 'task %d (%s)' % (self.number(task, 'pid'), read_name(task + self.task['comm'], 16))

    def stack_pointer(self, task):
        return read_u64(task + self.task['thread'] + self.sp)

class Stacks(gdb.Command):
    """Shows the backtrace of each processor, and of each task that waits for a lock or
a device and that no signal wakes (state D)."""
    def __init__(self):
        super().__init__('stacks', gdb.COMMAND_STACK)
        self.waiting = Waiting()
        gdb.unwinder.register_unwinder(None, self.waiting)

    @staticmethod
    def backtrace(skip=0):
        """Returns the backtrace without its first frames."""
        text = gdb.execute('backtrace %d' % depth(), to_string=True)
        text = re.sub(r'^\(More stack frames follow\.\.\.\)\n', '', text, flags=re.M)
        frames = re.split(r'^(?=#\d)', text, flags=re.M)[1 + skip:]
        return ''.join('#%-3d' % i + re.sub(r'^#\d+ +', '', f) for i, f in enumerate(frames))

    def of_processors(self):
        selected = gdb.selected_thread()
        for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.num):
            thread.switch()
            yield 'processor %d:\n%s' % (thread.num - 1, self.backtrace())
        selected.switch()

    def of_task(self, tasks, task):
        self.waiting.start(tasks.stack_pointer(task))
        try:
            skip, frame = 0, gdb.newest_frame()
            while frame.pc() != self.waiting.registers['rip']:
                skip, frame = skip + 1, frame.older()
            return '%s waits:\n%s' % (tasks.title(task), self.backtrace(skip))
        finally:
            self.waiting.end()

    def invoke(self, argument, from_tty):
        try:
            texts, tasks = list(self.of_processors()), Tasks()
            texts += [self.of_task(tasks, t) for t in tasks.all() if tasks.waits(t)]
        except (gdb.error, gdb.MemoryError) as why:
            raise gdb.GdbError(str(why))
        Stacks.text = '\n'.join(texts)
        gdb.execute('with pagination off -- python print(Stacks.text)')

Stacks()
]==]
