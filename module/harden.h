/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Branch prediction after a guest: what stands between a guest's branch history and
 * the host's indirect branches (Spectre-BHB, CVE-2022-23960; Spectre-v2).
 *
 * The kernel's own means are alternatives that a module cannot link. So there is a set
 * of vectors for each means (switch.S), and a CPU's choice is the address it gets in
 * VBAR_EL2: no branch in the exit path decides it, which the guest could train.
 */
#ifndef MODULE_HARDEN_H
#define MODULE_HARDEN_H

struct tsr_vcpu;

/* Decides for the CPU it runs on, once; interrupts off. */
void tsr_harden_cpu(void);

/* Gives a vCPU that is being loaded this CPU's vectors; preemption off. */
void tsr_harden_load(struct tsr_vcpu *v);

/* Tells the log what is done, on how many CPUs; after tsr_harden_cpu() on each. */
void tsr_harden_report(void);

#endif
