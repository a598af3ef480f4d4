-- SPDX-License-Identifier: GPL-2.0-only
-- Python code for gdb: finds the modules in the guest's memory, by the symbols
-- of vmlinux, and tells gdb the addresses of their sections. So it works for a
-- guest that has panicked, too.
--
-- A module's own symbol table is in the guest's memory (struct module:
-- kallsyms), with addresses; the same table is in the .ko file, with sections.
-- One symbol that stands once in both tells where its section is. The layouts
-- of the structures come from the debugging information of the .ko file.
--
-- Before this code stands PROVIUM_MODULES = { name: path of the .ko file }.

return [==[
import gdb
import gdb.unwinder
import struct

class Layout:
    """Offsets of fields, from the debugging information of one .ko file."""
    def __init__(self, path):
        gdb.execute('add-symbol-file "%s" -o 0' % path, to_string=True)
        try:
            self.module = self.fields('struct module')
            self.table = self.fields('struct mod_kallsyms')
        finally:
            gdb.execute('remove-symbol-file "%s"' % path, to_string=True)

    @staticmethod
    def fields(name):
        return {f.name: f.bitpos // 8 for f in gdb.lookup_type(name).fields()}

def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))

def read_u64(address):
    return struct.unpack('<Q', read(address, 8))[0]

def read_name(address, size=56):
    return read(address, size).split(b'\0')[0].decode(errors='replace')

def text_at(table, at):
    return table[at:table.index(b'\0', at)]

def symbols_in(table, names):
    """Yields name, section's number and value of Elf64_Sym's (elf(5))."""
    for at in range(0, len(table) - 23, 24):
        name, info, other, section, value, size = struct.unpack_from('<IBBHQQ', table, at)
        yield text_at(names, name), section, value

def symbols_of_file(path):
    """Returns { symbol: (section, value) } of those that stand once in the file."""
    with open(path, 'rb') as f:
        data = f.read()
    at, = struct.unpack_from('<Q', data, 0x28)
    size, number, names = struct.unpack_from('<HHH', data, 0x3a)
    headers = [struct.unpack_from('<IIQQQQIIQQ', data, at + i * size) for i in range(number)]
    contents = lambda h: data[h[4]:h[4] + h[5]]
    found, twice = {}, set()
    for h in headers:
        if h[1] != 2:           # SHT_SYMTAB
            continue
        for name, section, value in symbols_in(contents(h), contents(headers[h[6]])):
            if name in found:
                twice.add(name)
            if 0 < section < number and headers[section][2] & 2:        # SHF_ALLOC
                found[name] = (text_at(contents(headers[names]), headers[section][0]).decode(), value)
    return {name: at for name, at in found.items() if name and name not in twice}

def sections_of(module, path, layout):
    """Returns { section: address } of the module at that address."""
    table = read_u64(module + layout.module['kallsyms'])
    number = read_u64(table + layout.table['num_symtab']) & 0xffffffff
    symbols = read(read_u64(table + layout.table['symtab']), number * 24)
    last = max(struct.unpack_from('<I', symbols, i * 24)[0] for i in range(number))
    names = read(read_u64(table + layout.table['strtab']), last + 512) + b'\0'
    known, sections = symbols_of_file(path), {}
    for name, _, value in symbols_in(symbols, names):
        section, offset = known.get(name, (None, 0))
        if section and 'percpu' not in section:
            sections[section] = value - offset
    return sections

class Modules:
    def __init__(self, files):
        self.files, self.layout, self.loaded = files, None, {}

    def add(self, module, name):
        path = self.files.get(name)
        if not path:
            print('module %s: no symbols: it is none of the profile' % name)
            return
        self.layout = self.layout or Layout(path)
        if name in self.loaded:
            gdb.execute('remove-symbol-file "%s"' % path, to_string=True)
            del self.loaded[name]
        sections = sections_of(module, path, self.layout)
        words = ['-s %s 0x%x' % s for s in sorted(sections.items())]
        gdb.execute('add-symbol-file "%s" %s' % (path, ' '.join(words)), to_string=True)
        self.loaded[name] = module

    def add_all(self):
        """Walks the kernel's list of modules, newest first."""
        head = int(gdb.parse_and_eval('(unsigned long)&modules'))
        at = read_u64(head)
        while at != head:
            module = at - 8     # struct module: state, list, name
            name = read_name(module + 24)
            try:
                self.add(module, name)
            except Exception as why:
                print('module %s: no symbols: %s' % (name, why))
            at = read_u64(at)

def has_function(name):
    return gdb.lookup_static_symbol(name) or gdb.lookup_global_symbol(name)

class Insertion(gdb.Breakpoint):
    """A function that the kernel calls with a module when its memory is ready,
before its parameters are set and its init function runs."""
    PLACES = ('module_enable_x', 'module_enable_text_rox', 'do_init_module')

    def __init__(self, modules):
        name = next(p for p in self.PLACES if has_function(p))
        super().__init__('*%s' % name, internal=True)
        self.silent, self.modules = True, modules

    def stop(self):
        module = int(gdb.parse_and_eval('(unsigned long)$rdi'))
        name = read_name(module + 24)
        try:
            self.modules.add(module, name)
        except Exception as why:
            print('module %s: no symbols: %s' % (name, why))
        return False

class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc

class Exceptions(gdb.unwinder.Unwinder):
    """Goes from the entry of an exception or an interrupt (asm_exc_page_fault, ...)
    to the code that it has interrupted. The entry code has no unwind
    information, but where it calls the handler, the stack pointer is that of
    struct pt_regs (calling.h)."""
    ENTRIES = ('asm_exc_', 'asm_sysvec_', 'asm_common_interrupt', 'end_repeat_nmi')
    OFFSETS = {name: 8 * i for i, name in enumerate(
        'r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi'.split())}
    OFFSETS.update(rip=8 * 16, rsp=8 * 19)

    def __init__(self):
        super().__init__('provium')

    def __call__(self, frame):
        pc, sp = int(frame.read_register('rip')), int(frame.read_register('rsp'))
        symbol = gdb.execute('info symbol 0x%x' % pc, to_string=True)
        if not symbol.startswith(self.ENTRIES):
            return None
        info = frame.create_unwind_info(FrameId(gdb.Value(sp), gdb.Value(pc)))
        values = {name: read_u64(sp + offset) for name, offset in self.OFFSETS.items()}
        if not values['rip']:       # a call of NULL: gdb ends a backtrace there
            values['rip'] = read_u64(values['rsp'])
            values['rsp'] += 8
        for name, value in values.items():
            info.add_saved_register(name, gdb.Value(value).cast(frame.read_register(name).type))
        return info

def depth():
    """The number of frames up to the entry from user space, or to the start of a
task or processor; those after it are no frames."""
    frame, n = gdb.newest_frame(), 1
    while frame and not (frame.name() or '').startswith(('entry_', 'ret_from_fork', 'secondary_startup')):
        frame, n = frame.older(), n + 1
    return n

class Complaint(gdb.Command):
    """Lets the guest run until its kernel complains (oops, WARNING, panic, or a
report of KASAN, KFENCE, UBSAN, lockdep or the slab allocator), and shows the
backtrace."""
    # Reports that have no function of their own here call one of the last two.
    PLACES = ('panic', 'oops_begin', '__warn', 'kasan_report', 'kasan_report_invalid_free',
              'kfence_report_error', 'ubsan_prologue', 'dump_stack_lvl', 'dump_stack')

    def __init__(self):
        super().__init__('complaint', gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        names = argument.split() or self.PLACES
        places = [gdb.Breakpoint(p, internal=True) for p in names if has_function(p)]
        try:
            gdb.execute('continue')
            gdb.execute('with pagination off -- backtrace %d' % depth())
        finally:
            for place in places:
                place.delete()

provium_modules = Modules(PROVIUM_MODULES)
gdb.unwinder.register_unwinder(None, Exceptions())
Complaint()
gdb.execute('set confirm off')
try:
    provium_modules.add_all()
    if PROVIUM_ALIVE:
        Insertion(provium_modules)
except gdb.error as why:
    print('no symbols of modules: %s' % why)
gdb.execute('set confirm on')
if provium_modules.loaded:
    print('modules with symbols: ' + ', '.join(sorted(provium_modules.loaded)))
]==]
