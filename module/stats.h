/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Binary statistics (api.rst 4.133, KVM_GET_STATS_FD): a file that describes its counters, for
 * a VM and for each of its vCPUs. It holds the VM, as any of its fds does.
 *
 * A vCPU's counters are written by its own thread alone, and read at any time.
 */
#ifndef MODULE_STATS_H
#define MODULE_STATS_H

#include <linux/types.h>

struct tsr_vm;
struct tsr_vcpu;

/*
 * X(name in the file and in the struct): why the guest stopped; what KVM_RUN returned for
 * (kernel: a coalesced store, which did not); stage-2 aborts, by what the guest did.
 */
/* clang-format off */
#define TSR_VCPU_STATS(X)               \
	X(exits)                        \
	X(hvc_exit_stat)                \
	X(wfi_exit_stat)                \
	X(wfe_exit_stat)                \
	X(sysreg_exits)                 \
	X(mmio_exit_user)               \
	X(mmio_exit_kernel)             \
	X(signal_exits)                 \
	X(debug_exits)                  \
	X(hypercall_exits)              \
	X(system_event_exits)           \
	X(memory_fault_read_exits)      \
	X(memory_fault_write_exits)     \
	X(memory_fault_exec_exits)      \
	X(memory_fault_tag_exits)       \
	X(faults_read)                  \
	X(faults_write)                 \
	X(faults_exec)                  \
	X(faults_walk)                  \
	X(faults_tag)
/* clang-format on */

struct tsr_vcpu_stats {
#define TSR_STAT_FIELD(name) u64 name;
	TSR_VCPU_STATS(TSR_STAT_FIELD)
#undef TSR_STAT_FIELD
};

/* A new fd. -EMFILE, -ENFILE, -ENOMEM. */
int tsr_vm_stats_fd(struct tsr_vm *vm);
int tsr_vcpu_stats_fd(struct tsr_vcpu *v);

#endif
