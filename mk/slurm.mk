# SPDX-License-Identifier: GPL-2.0-only
# make test-slurm: LAUNCH= on a Slurm cluster of two nodes, which are namespaces
# of this machine.
#
#   mk/slurm/cluster    starts and ends the cluster; mk/slurm/slurm.conf
#   tests/slurm/        the tests, which start make
#   out/slurm/          configuration, state and logs of Slurm; a fixture store

# The test files whose verdicts are compared, if T= is not given.
SLURM_FILES := kit/boot kit/modules calls/batch calls/buffers calls/exec calls/files \
	       calls/pointers clones/clones processes/identity reports/panic

.PHONY: test-slurm
test-slurm: ## kit: run tests on two nodes of a Slurm cluster (T= chooses; make deps-slurm; root)
test-slurm: all
	@command -v slurmctld slurmd srun >/dev/null || { echo 'test-slurm: Slurm is not \
	installed; "make deps-slurm" installs it (Debian, Ubuntu)' >&2; exit 2; }
	@env -u MAKEFLAGS -u MAKELEVEL SLURM_FILES='$(or $T,$(SLURM_FILES))' \
	SLURM_OUT=$O mk/slurm/cluster $O/slurm $(RUNNER) test tests/slurm
