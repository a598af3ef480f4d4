# SPDX-License-Identifier: GPL-2.0-only
# make test-kvm: our own suite on KVM and vsock, in an emulated machine that has both.
#
#   kernel-configs/nested.profile   that machine: its root is this one's, read-only, under a
#                                layer in memory, so that what is built here runs there
#   lab:/…/out/lab/NAME.result   how a test went there, gone with the machine
#
# QEMU's SVM is not safe with two processors (there were guests that stood still and kernels
# that died of page faults): so two machines with one each; and one that dies all the same
# (not a test in it) is started once more, and that is said. T= chooses, as for make test.
# LAB_QUICK is every kind of thing once, in some minutes.

LAB_MEMORY := 5G
LAB_CPUS   := 1
LAB_JOBS   := 2
LAB_LIMIT  := 20m
LAB_QUICK  := kit/boot kit/vsock calls/buffers calls/exec calls/files calls/syscalls \
	      clones/clones clones/resumes processes/identity processes/jobs processes/workers

# What takes longest there, longest first: each start of a QEMU has two seconds.
LAB_LONGEST := kacs/new_syscall clones/fixture_faults kit/gate clones/fixture_keys kit/profiles kit/bad_input \
	       clones/fixture_disks processes/workers processes/jobs clones/snapshots reports/evidence kit/probe

# What is done thousands of times is done a tenth as often there.
LAB_LOOPS  := KACS_CALLS=10000 KACS_ROUNDS=100 KILLS=50 GATE_ROUNDS=2 GATE_FILES=16 WORKERS=200 RACES=200

# In a guest of an emulated guest each byte of the console costs a millisecond of QEMU's,
# and reading the clock chip takes seconds; KVM tells the time itself.
lab_append := s/^append  = ./&loglevel=1 initcall_blacklist=cmos_init /

# The probe's answer is told to all, so that none asks again.
#
# $(call in_lab,COMMAND): a shell command there, from the top of the tree.
define in_lab
lab() { $(RUNNER) exec --memory $(LAB_MEMORY) --cpus $(LAB_CPUS) --timeout $(LAB_LIMIT) nested "$$1"; }; \
inside='cd $(CURDIR) && \
	chmod 666 /dev/kvm /dev/vhost-vsock && mkdir -p $O/lab && \
	sed -i "$(lab_append)" $O/provium.toml $O/profile/*/profile.toml && \
	export ACCEL=kvm TRANSPORT=vsock PROFILE=$(PROFILE) PROVIUM_STORE=/run/fixtures PROVIUM_PROBE=60 $(LAB_LOOPS) && \
	$(RUNNER) accel $(PROFILE) >$O/lab/accel && cat $O/lab/accel && \
	export PROVIUM_BOOT=$$(sed "s/.* in \(.*\) s$$/\1/" $O/lab/accel) && $1 || exit 1'; \
lab "$$inside"; status=$$?; \
if [ $$status -gt 1 ] && [ $$status -lt 128 ]; then \
	echo "lab: the machine itself ended (status $$status): once more"; lab "$$inside"; \
else (exit $$status); fi
endef

# xargs is the scheduler there.
define lab_suite
{ echo $1 | tr " " "\n" | xargs -P $(LAB_JOBS) -I@ sh -c \
	"mkdir -p $O/lab/@ && $(RUNNER) test --verdict $O/lab/@ tests/@.lua"; \
  $(RUNNER) summary $(addprefix $O/lab/,$1); }
endef

# $(call dealt,N,WORDS): as cards are dealt, there and back again; N is 1 or 0.
dealt = $(shell echo $2 | tr ' ' '\n' | awk '(NR % 4 < 2) == $1')
lab_order = $(filter $1,$(LAB_LONGEST)) $(filter-out $(LAB_LONGEST),$1)

# $(call in_labs,TESTS): in two machines at once; what the second says comes after the first.
define in_labs
{ $(call in_lab,$(call lab_suite,$(call dealt,1,$1))); } & first=$$!; \
$(if $(call dealt,0,$1),{ $(call in_lab,$(call lab_suite,$(call dealt,0,$1))); } >$O/lab.out 2>&1; \
second=$$?; wait $$first && (exit $$second); status=$$?; cat $O/lab.out,wait $$first; status=$$?); exit $$status
endef

.PHONY: lab test-kvm test-kvm-quick
lab: all
	+@$(if $(filter nested,$(PROFILE)),,$(MAKE) PROFILE=nested T= kernel $O/provium.toml)

test-kvm: lab ## the suite on KVM and vsock, inside emulated machines
	@$(call in_labs,$(call lab_order,$(CHOSEN)))

test-kvm-quick: lab ## a part of it, every kind of thing once: mk/lab.mk, LAB_QUICK
	@$(call in_labs,$(LAB_QUICK))
