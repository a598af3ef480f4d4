/* SPDX-License-Identifier: GPL-2.0-only */
/* What this machine offers, what will be used, and what to do about the rest. */
#ifndef RUNNER_CMD_DOCTOR_H
#define RUNNER_CMD_DOCTOR_H

/*
 * Prints it for the profile, after new probes.  The exit status: 0, tests can run; 3,
 * they cannot; 2, there is no such profile (not built yet); or -signal.
 */
int doctor_run(const char *profile);

#endif
