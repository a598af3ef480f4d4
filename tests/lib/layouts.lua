-- SPDX-License-Identifier: GPL-2.0-only
-- Folders of modules as users have them, each small: { path = content }, and
-- the modules that "make modules" must make of them.
--
-- A module "x" says what it was built from in a string "layout=...", which
-- modinfo(8) shows and its .ko contains.

local layouts = {}

-- Returns the C source of a module whose string "layout=" has this value, a C
-- expression.
local function source(value, more)
	return ("%s\n#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\nMODULE_INFO(layout, %s);\n")
		:format(more or "", value)
end
layouts.source = source

local function words(text) return ('"%s"'):format(text) end

-- Adds a layout. l: module, the folder (default: the layout's name); files; ko,
-- { module's name = its string }; shell, commands that run in the folder above.
local function layout(name, l)
	l.name, l.module = name, l.module or name
	layouts[#layouts + 1] = l
end

-- --- layouts by where the makefile is ---

layout("kbuild", {
	files = { ["kbuild/Kbuild"] = "obj-m := in_kbuild.o\n", ["kbuild/in_kbuild.c"] = source(words "kbuild") },
	ko = { in_kbuild = "kbuild" },
})

layout("makefile", {
	files = {
		["makefile/Makefile"] = "ifneq ($(KERNELRELEASE),)\nobj-m := in_makefile.o\nelse\n" ..
			"all:\n\t$(MAKE) -C /lib/modules/$(shell uname -r)/build M=$(PWD) modules\nendif\n",
		["makefile/in_makefile.c"] = source(words "makefile"),
	},
	ko = { in_makefile = "makefile" },
})

layout("in-src", {
	files = {
		["in-src/Makefile"] = "all:\n\t$(MAKE) -C src\n",
		["in-src/src/Kbuild"] = "obj-m := in_src.o\nccflags-y := -I$(src)/../include\n",
		["in-src/src/in_src.c"] = source("VALUE", '#include "value.h"'),
		["in-src/include/value.h"] = '#define VALUE "src"\n',
	},
	ko = { in_src = "src" },
})

layout("in-module", {
	files = {
		["in-module/configure"] = "#!/bin/sh\n",
		["in-module/module/Makefile"] = "obj-m += in_module.o\n",
		["in-module/module/in_module.c"] = source(words "module"),
	},
	ko = { in_module = "module" },
})

layout("other-folder", {
	files = {
		["other-folder/README"] = "text\n",
		["other-folder/linux/Kbuild"] = "obj-m += in_other.o\n",
		["other-folder/linux/in_other.c"] = source(words "other"),
	},
	ko = { in_other = "other" },
})

-- dkms.conf is a script, and its commands are those of a machine on which the
-- kernel's headers are installed.
layout("dkms", {
	files = {
		["dkms/dkms.conf"] = 'PACKAGE_NAME="dkms-layout"\nPACKAGE_VERSION="1.0"\n' ..
			'MAKE[0]="make -C kmod/linux KDIR=/lib/modules/${kernelver}/build WORD=${PACKAGE_NAME}"\n' ..
			'BUILT_MODULE_NAME[0]="in_dkms"\nBUILT_MODULE_LOCATION[0]="kmod/linux"\nDEST_MODULE_LOCATION[0]="/updates"\n' ..
			'i=1\nBUILT_MODULE_NAME[$i]="in_dkms_too"\nBUILT_MODULE_LOCATION[$i]="kmod/linux/"\nDEST_MODULE_LOCATION[$i]="/updates"\n',
		["dkms/kmod/linux/Makefile"] = "ifneq ($(KBUILD_EXTMOD),)\nobj-m := in_dkms.o in_dkms_too.o\nccflags-y := -DWORD='\"$(WORD)\"'\n" ..
			"else\nall:\n\t$(MAKE) -C $(KDIR) M=$(CURDIR) modules\n.DEFAULT_GOAL := all\nendif\n",
		["dkms/kmod/linux/in_dkms.c"] = source("WORD"),
		["dkms/kmod/linux/in_dkms_too.c"] = source(words "too"),
	},
	ko = { in_dkms = "dkms-layout", in_dkms_too = "too" },
})

layout("dkms-parts", {
	files = {
		["dkms-parts/dkms.conf"] = 'PACKAGE_NAME=parts\nPACKAGE_VERSION=2\nBUILD="$dkms_tree/parts/2/build"\n' ..
			'PRE_BUILD="./configure"\nMAKE="make -C ${kernel_source_dir} M=$BUILD/core modules && ' ..
			"make -C ${kernel_source_dir} M=$BUILD/user KBUILD_EXTRA_SYMBOLS=$BUILD/core/Module.symvers modules ; " ..
			"find $BUILD -name '*.ko' -exec mv {} $BUILD \\;\"\n" ..
			"BUILT_MODULE_NAME[0]=dkms_core\nBUILT_MODULE_NAME[1]=dkms_user\n" ..
			"DEST_MODULE_LOCATION[0]=/extra\nDEST_MODULE_LOCATION[1]=/extra\n",
		["dkms-parts/configure"] = "#!/bin/sh\necho '#define CONFIGURED \"configured\"' >core/config.h\n",
		["dkms-parts/core/Makefile"] = "obj-m := dkms_core.o\n",
		["dkms-parts/core/dkms_core.c"] = source("CONFIGURED", '#include "config.h"\nint dkms_core(void);') ..
			"int dkms_core(void) { return 0; }\nEXPORT_SYMBOL(dkms_core);\n",
		["dkms-parts/user/Makefile"] = "obj-m := dkms_user.o\n",
		["dkms-parts/user/dkms_user.c"] = source(words "user", "int dkms_core(void);") ..
			"static int __init use(void) { return dkms_core(); }\nmodule_init(use);\n",
	},
	shell = "chmod +x dkms-parts/configure",
	ko = { dkms_core = "configured", dkms_user = "user" },
})

-- A dkms.conf without MAKE and BUILT_MODULE_NAME. Its second patch is for other
-- kernels.
layout("dkms-patch", {
	files = {
		["dkms-patch/dkms.conf"] = 'PACKAGE_NAME=dkms_patched\nPACKAGE_VERSION=1\nDEST_MODULE_LOCATION[0]="/extra"\n' ..
			"PATCH[0]=word.patch\nPATCH[1]=other.patch\nPATCH_MATCH[1]='^2\\.4\\.'\nPATCH[2]=again.patch\n",
		["dkms-patch/Makefile"] = "obj-m := dkms_patched.o\n",
		["dkms-patch/dkms_patched.c"] = source("WORD", '#define WORD "original"'),
		["dkms-patch/patches/word.patch"] = '--- a/dkms_patched.c\n+++ b/dkms_patched.c\n@@ -1,2 +1,2 @@\n' ..
			'-#define WORD "original"\n+#define WORD "patched"\n #include <linux/module.h>\n',
		["dkms-patch/patches/other.patch"] = "--- a/none.c\n+++ b/none.c\n@@ -1 +1 @@\n-x\n+y\n",
		["dkms-patch/patches/again.patch"] = '--- a/dkms_patched.c\n+++ b/dkms_patched.c\n@@ -1,2 +1,2 @@\n' ..
			'-#define WORD "patched"\n+#define WORD "patched twice"\n #include <linux/module.h>\n',
	},
	ko = { dkms_patched = "patched twice" },
})

layout("config", {
	files = {
		["config/Kbuild"] = "obj-$(CONFIG_LAYOUT) := in_config.o\n",
		["config/in_config.c"] = source(words "config"),
	},
	ko = { in_config = "config" },
})

-- --- folders with several modules ---

layout("several", {
	files = {
		["several/Kbuild"] = "obj-m := several_a.o several_b.o deeper/\n",
		["several/several_a.c"] = source(words "a", "int several_answer(void);") .. "int several_answer(void) { return 42; }\nEXPORT_SYMBOL(several_answer);\n",
		["several/several_b.c"] = source(words "b", "int several_answer(void);") .. "static int __init b(void) { return several_answer() != 42; }\nmodule_init(b);\n",
		["several/deeper/Makefile"] = "obj-m := several_c.o\nseveral_c-y := main.o second.o\n",
		["several/deeper/main.c"] = source(words "c"),
		["several/deeper/second.c"] = "int several_second;\n",
	},
	ko = { several_a = "a", several_b = "b", several_c = "c" },
})

layout("core", {
	files = {
		["core/Kbuild"] = "obj-m := layout_core.o\n",
		["core/layout_core.c"] = source(words "core", "int layout_core(void);") .. "int layout_core(void) { return 42; }\nEXPORT_SYMBOL(layout_core);\n",
	},
	ko = { layout_core = "core" },
})

-- The module of this layout uses a symbol of the layout before.
layout("user", {
	files = {
		["user/Kbuild"] = "obj-m := layout_user.o\n",
		["user/layout_user.c"] = source(words "user", "int layout_core(void);") ..
			"static int __init use(void) { return layout_core() != 42; }\nmodule_init(use);\nstatic void __exit out(void) { }\nmodule_exit(out);\n",
	},
	ko = { layout_user = "user" },
})

for _, which in ipairs { "one", "two" } do
	local ko = "same_" .. which
	layout("same-name-" .. which, {
		module = which .. "/drv",
		files = { [which .. "/drv/Kbuild"] = ("obj-m := %s.o\n%s-y := drv.o\n"):format(ko, ko), [which .. "/drv/drv.c"] = source(words(which)) },
		ko = { [ko] = which },
		-- The two folders differ in no date, like sources that were
		-- unpacked.
		shell = ("find %s -exec touch -d 2020-01-01 {} +"):format(which),
	})
end

-- --- builds that write into their own folder ---

layout("generated", {
	files = {
		["generated/Kbuild"] = "obj-m := generated.o\n$(obj)/generated.o: $(obj)/gen.h\n" ..
			"$(obj)/gen.h: FORCE\n\techo '#define VALUE \"new\"' >$@\n",
		["generated/gen.h"] = '#define VALUE "old"\n',
		["generated/generated.c"] = source("VALUE", '#include "gen.h"'),
	},
	ko = { generated = "new" },
})

layout("appends", {
	files = {
		["appends/Kbuild"] = "obj-m := appends.o\n$(obj)/appends.o: notes\n.PHONY: notes\nnotes:\n\techo more >>$(src)/notes.txt\n",
		["appends/notes.txt"] = "mine\n",
		["appends/appends.c"] = source(words "appends"),
	},
	ko = { appends = "appends" },
})

layout("edits", {
	files = {
		["edits/Kbuild"] = "obj-m := edits.o\n$(obj)/edits.o: $(obj)/other.h\n$(obj)/other.h: FORCE\n" ..
			"\tsed -i s/old/new/ $(src)/config.h\n\techo '#define OTHER \"b\"' >$@.new && mv $@.new $@\n",
		["edits/config.h"] = '#define VALUE "old"\n',
		["edits/other.h"] = '#define OTHER "a"\n',
		["edits/edits.c"] = source('VALUE OTHER', '#include "config.h"\n#include "other.h"'),
	},
	ko = { edits = "newb" },
})

-- --- files of a module outside of its folder ---

layout("relatives", {
	module = "relatives/drv",
	files = {
		["relatives/drv/Kbuild"] = "include $(src)/../common.mk\n",
		["relatives/common.mk"] = "obj-m := relatives.o\nrelatives-y := main.o ../shared/util.o\nccflags-y := -I$(src)/../include\n",
		["relatives/include/value.h"] = '#define VALUE "relatives"\n',
		["relatives/shared/util.c"] = "int relatives_util;\n",
		["relatives/drv/main.c"] = source("VALUE", "#include <value.h>"),
		["relatives/unrelated/file"] = "text\n",
	},
	ko = { relatives = "relatives" },
})

layout("pwd", {
	files = {
		["pwd/Kbuild"] = "obj-m := pwd.o\nccflags-y := -I$(PWD)/inc\n",
		["pwd/inc/value.h"] = '#define VALUE "pwd"\n',
		["pwd/pwd.c"] = source("VALUE", '#include "value.h"'),
	},
	ko = { pwd = "pwd" },
})

local REPOSITORY = [[
git init -q %s && cd %s && git add -A &&
git -c user.name=x -c user.email=x@x commit -q -m first && git tag v1.%d
]]

layout("git", {
	module = "git/drv",
	files = {
		["git/drv/Kbuild"] = "obj-m := in_git.o\n" ..
			"ccflags-y := -DVALUE='\"$(shell cd $(src) && git describe --tags --dirty) $(shell git describe --tags) $(shell $(src)/../scripts/version)\"'\n",
		["git/scripts/version"] = "#!/bin/sh\ncd \"$(dirname \"$0\")\" && cat \"$(git rev-parse --show-toplevel)/VERSION\"\n",
		["git/VERSION"] = "seven\n",
		["git/drv/in_git.c"] = source("VALUE"),
	},
	ko = { in_git = "v1.1 v1.1 seven" },
	shell = "chmod +x git/scripts/version; " .. REPOSITORY:format("git", "git", 1),
})

layout("worktree", {
	module = "worktree/linked",
	files = {
		["worktree/main/Kbuild"] = "obj-m := in_worktree.o\nccflags-y := -DVALUE='\"$(shell git -C $(src) describe --tags --dirty)\"'\n",
		["worktree/main/in_worktree.c"] = source("VALUE"),
	},
	ko = { in_worktree = "v1.2" },
	shell = REPOSITORY:format("worktree/main", "worktree/main", 2) .. "git worktree add -q ../linked",
})

layout("beside-repository", {
	module = "beside/repo/drv",
	files = {
		["beside/repo/drv/Kbuild"] = "obj-m := beside.o\nccflags-y := -I$(src)/../../include\n",
		["beside/include/value.h"] = '#define VALUE "beside"\n',
		["beside/repo/drv/beside.c"] = source("VALUE", "#include <value.h>"),
	},
	ko = { beside = "beside" },
	shell = REPOSITORY:format("beside/repo", "beside/repo", 3),
})

-- --- odd file names, symbolic links, large folders ---

layout("names", {
	files = {
		["names/Kbuild"] = "obj-m := odd-names.o\nodd-names-y := a.b.o ring++.o\n",
		["names/a.b.c"] = source(words "names", '#include "ring-buffer++.hpp"'),
		["names/ring++.c"] = "int odd_ring;\n",
		["names/ring-buffer++.hpp"] = "", ["names/ring::buffer.hpp"] = "",
		["names/Wiring diagram.pdf"] = "", ["names/old tests/a.c"] = "", ["names/price$x.txt"] = "",
		["names/a#b.txt"] = "", ["names/a;b.txt"] = "", ["names/a:b.txt"] = "", ["names/a(b.txt"] = "",
		["names/it's.txt"] = "", ["names/a&b.txt"] = "", ["names/$(shell touch ran)x.txt"] = "",
		["names/notes"] = "", ["names/notes modules/x"] = "", ["names/50%.txt"] = "", ["names/a*b.txt"] = "",
		["names/line\nend.txt"] = "", ["names/\xff\xfe.txt"] = "", ["names/-rf"] = "", ["names/#drv.c#"] = "",
	},
	ko = { ["odd-names"] = "names" },
})

layout("links", {
	files = {
		["links/Kbuild"] = "obj-m := links.o\nccflags-y := -I$(src)/shared\n",
		["links/links.c"] = source("VALUE ABSOLUTE", '#include <value.h>\n#include "absolute.h"'),
		["outside/shared/value.h"] = '#define VALUE "links"\n',
		["outside/absolute.h"] = '#define ABSOLUTE " absolute"\n',
	},
	ko = { links = "links absolute" },
	shell = [[cd links && ln -s . here && ln -s . here2 && ln -s .. above && ln -s loop loop &&
		ln -s /no/such/file dangling && ln -s ../outside/shared shared && ln -s "$PWD/../outside/absolute.h" absolute.h &&
		ln -s /usr usr && ln -s .#lock '.#links.c']],
})

layout("large", {
	files = { ["large/Kbuild"] = "obj-m := large.o\n", ["large/large.c"] = source(words "large") },
	ko = { large = "large" },
	shell = "mkdir large/kernel && cd large/kernel && seq 31000 | xargs touch",
})

-- --- old build output, assembly files ---

layout("leftovers", {
	files = {
		["leftovers/Kbuild"] = "obj-m := leftovers.o\nleftovers-y := main.o shipped.o\n",
		["leftovers/main.c"] = source(words "leftovers"),
		["leftovers/main.o"] = "no object", ["leftovers/.main.o.cmd"] = "savedcmd_main.o := true\n",
		["leftovers/leftovers.ko"] = "old", ["leftovers/leftovers.mod.c"] = "#error old\n",
		["leftovers/leftovers.mod"] = "old\n", ["leftovers/.leftovers.mod.cmd"] = "old\n",
		["leftovers/modules.order"] = "old.ko\n", ["leftovers/Module.symvers"] = "old\n",
		["leftovers/firmware/layout.bin"] = "\0\1\2\xff",
	},
	ko = { leftovers = "leftovers" },
	shell = "echo 'int shipped_symbol;' | gcc -c -x c -o leftovers/shipped.o_shipped - -fno-pic -mcmodel=kernel",
})

layout("assembly", {
	files = {
		["assembly/Kbuild"] = "obj-m := assembly.o\nassembly-y := main.o code.o\n",
		["assembly/main.c"] = source(words "assembly") .. 'MODULE_INFO(file, __FILE__);\n',
		["assembly/code.S"] = ".globl assembly_data\n.data\nassembly_data: .long 1\n.section .note.GNU-stack\n",
	},
	ko = { assembly = "assembly" },
})

return layouts
