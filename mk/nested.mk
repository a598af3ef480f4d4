# SPDX-License-Identifier: GPL-2.0-only
# make test-kvm: the suite on KVM and vsock, inside emulated VMs that offer
# both.
#
#   kernel-configs/nested.profile  such a VM; its root is this machine's,
#                                  read-only, with a layer in memory on top, so
#                                  out/ is there as well
#   mk/nested.lua                  runs a share of the test files in one VM
#   out/nested/NAME.result         how a file went, copied out of the VM
#   out/nested/SHARE.log           the log of mk/nested.lua
#
# QEMU's SVM emulation is unsafe with two processors: guests hung, and kernels
# died of page faults. So there are two VMs with one processor each.

# For test-kvm-quick: one file of every kind, a few minutes in all.
NESTED_QUICK := kit/boot calls/buffers clones/clones calls/exec calls/files processes/identity \
		processes/jobs clones/resumes calls/syscalls kit/vsock processes/workers

# $(call nested_share,SHARE,TESTS): a shell command that runs one share, as in
# "1/2".
nested_share = { NESTED_SHARE=$1 NESTED_TESTS="$2" NESTED_OUT=$O NESTED_RUNNER=$(RUNNER) \
	       $(RUNNER) test mk/nested.lua >$O/nested/$(subst /,-,$1).log || \
	       cat $O/nested/$(subst /,-,$1).log; } &

# $(call nested_run,SHARES,TESTS): all shares at once, then the summary of all
# results. A result that is missing counts as BROKEN, so the exit status is the
# summary's.
define nested_run
@rm -rf $O/nested && mkdir -p $(sort $(dir $(addprefix $O/nested/,$2)))
@$(foreach s,$1,$(call nested_share,$s,$2)) wait
@$(RUNNER) make-summary $(addprefix $O/nested/,$2)
endef

.PHONY: nested test-kvm test-kvm-quick
nested: all
	+@$(if $(filter nested,$(PROFILE)),,$(MAKE) PROFILE=nested T= kernel $O/provium.toml)

test-kvm: ## kit: run the suite on KVM and vsock inside nested VMs, on any machine (T= chooses)
test-kvm: nested
	$(call nested_run,1/2 2/2,$(CHOSEN))

test-kvm-quick: ## kit: the same for one test file of every kind (NESTED_QUICK in mk/nested.mk)
test-kvm-quick: nested
	$(call nested_run,1/2 2/2,$(NESTED_QUICK))
