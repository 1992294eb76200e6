/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * vCPUs: set-up, one KVM_RUN at a time, threads that can always be stopped.
 *
 * tsr_vcpu_run() enters the guest once and decodes why it came back. A thread
 * loops over it; tsr_vcpu_kick() makes the current or the next call return
 * with TSR_EXIT_KICKED, whenever it comes.
 *
 * Locks: a vCPU belongs to the thread that runs it, except for
 * tsr_vcpu_kick(). Counters are written by that thread and may be read by any.
 *
 * Sections of api.rst: 4.7, 4.10, 4.68, 4.82, 4.83, 5; PSCI (DEN0022) for how
 * secondary vCPUs are switched on.
 */
#ifndef TESSERA_VCPU_H
#define TESSERA_VCPU_H

#include <pthread.h>

#include "tessera/fault.h"
#include "tessera/private.h"
#include "tessera/vm.h"

struct kvm_run;

enum tsr_exit_kind {
	TSR_EXIT_KICKED, /* by tsr_vcpu_kick() or another signal */
	TSR_EXIT_MMIO,
	TSR_EXIT_CALL,	 /* a hypercall that the hypervisor forwards: tsr_vm_forward() */
	TSR_EXIT_FAULT,	 /* a memory fault */
	TSR_EXIT_SYSTEM, /* the guest wants the machine off or reset */
	TSR_EXIT_FAILED, /* KVM_RUN failed */
	TSR_EXIT_OTHER,	 /* an exit that this library does not know */
	TSR_EXIT_KINDS,
};

struct tsr_mmio {
	uint64_t gpa;
	uint64_t value; /* of a write */
	unsigned int size;
	bool write;
};

struct tsr_exit {
	enum tsr_exit_kind kind;
	union {
		struct tsr_mmio mmio;
		struct tsr_call call; /* x[0] is the function */
		struct tsr_fault fault;
		uint32_t system; /* KVM_SYSTEM_EVENT_* */
		uint32_t reason; /* of TSR_EXIT_OTHER: KVM_EXIT_* */
		int error;	 /* of TSR_EXIT_FAILED: -errno */
	};
};

struct tsr_vcpu {
	struct tsr_vm *vm;
	unsigned int index;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	bool started; /* "thread" is one that must be joined */
	uint64_t exits[TSR_EXIT_KINDS];
};

/*
 * Installs the handler of the signal by which vCPUs are kicked (SIGRTMIN).
 * Once per process, before the first vCPU thread.
 */
void tsr_vcpu_signal_init(void);

/* Errors, explained in @why: those of KVM_CREATE_VCPU and mmap(). */
int tsr_vcpu_create(struct tsr_vcpu *vcpu, struct tsr_vm *vm, unsigned int index,
		    struct tsr_why *why);
void tsr_vcpu_destroy(struct tsr_vcpu *vcpu);

/*
 * Puts the vCPU into its reset state, with PSCI and, where offered, pointer
 * authentication. vCPU 0 is on; the others wait for PSCI's CPU_ON.
 *
 * Errors, explained in @why: those of KVM_ARM_VCPU_INIT.
 */
int tsr_vcpu_reset(struct tsr_vcpu *vcpu, struct tsr_why *why);

/*
 * Where the vCPU starts: EL1h, exceptions masked, x0... from @arguments (at
 * most 31).
 *
 * Errors, explained in @why: those of KVM_SET_ONE_REG.
 */
int tsr_vcpu_set_entry(struct tsr_vcpu *vcpu, uint64_t entry, const uint64_t *arguments,
		       size_t count, struct tsr_why *why);

/*
 * Where the vCPU is in the guest's code, a virtual address. On its own thread.
 * Errors: those of KVM_GET_ONE_REG.
 */
int tsr_vcpu_pc(struct tsr_vcpu *vcpu, uint64_t *pc);

void tsr_vcpu_run(struct tsr_vcpu *vcpu, struct tsr_exit *exit);

/* The answer to an MMIO read, given to the guest at the next tsr_vcpu_run(). */
void tsr_vcpu_mmio_reply(struct tsr_vcpu *vcpu, uint64_t value);

/*
 * The answer to a hypercall: x0 to x3. On the vCPU's thread. Errors: those of KVM_SET_ONE_REG.
 */
int tsr_vcpu_call_reply(struct tsr_vcpu *vcpu, const uint64_t x[4]);

/*
 * The vendor hypervisor services that the hypervisor offers to guests: the registers
 * KVM_REG_ARM_VENDOR_HYP_BMAP and _BMAP_2; 0 where it has none.
 */
void tsr_vcpu_services(struct tsr_vcpu *vcpu, uint64_t services[2]);

/*
 * Makes a synchronous external abort pending, taken at the faulting access.
 *
 * Errors: -ENOTSUP if the hypervisor cannot; those of KVM_SET_VCPU_EVENTS.
 */
int tsr_vcpu_inject_abort(struct tsr_vcpu *vcpu);

/* Errors: those of pthread_create(), negative. */
int tsr_vcpu_start(struct tsr_vcpu *vcpu, void *(*loop)(void *opaque), void *opaque);

/*
 * Makes the current or the next tsr_vcpu_run() return, once. Set first what the
 * vCPU's loop is to find then. From any thread, between tsr_vcpu_start() and
 * tsr_vcpu_join(), or where the vCPU has no thread.
 */
void tsr_vcpu_kick(struct tsr_vcpu *vcpu);

/* Waits for the thread to end, and withdraws a kick that it did not see. */
void tsr_vcpu_join(struct tsr_vcpu *vcpu);

#endif
