/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "control.h"
#include "cpu.h"
#include "exception.h"
#include "smccc.h"
#include "sysreg.h"
#include "tap.h"

void cpu_boot(u64 sctlr, u64 daif, u64 el);
noreturn void cpu_main(u64 argument);
extern u8 cpu_entry[];

/* MPIDR_EL1 affinity as KVM derives it from a vCPU id: 16 to a cluster. */
#define CLUSTER_SIZE 16

void cpu_boot(u64 sctlr, u64 daif, u64 el)
{
	struct cpu *cpu = cpu_this();

	cpu->index = (u32)(((u64)cpu - (u64)cpu_blocks) >> CPU_BLOCK_SHIFT);
	cpu->armed = false;
	cpu->boot_sctlr = sctlr;
	cpu->boot_daif = daif;
	cpu->boot_el = el;
}

noreturn void cpu_main(u64 argument)
{
	struct cpu *cpu = cpu_this();
	void (*run)(u64) = __atomic_load_n(&cpu->run, __ATOMIC_ACQUIRE);

	run(argument);
	__atomic_store_n(&cpu->running, 0, __ATOMIC_RELEASE);
	smccc_call(PSCI_CPU_OFF, 0, 0, 0);
	tap_die("CPU_OFF returned");
}

u32 cpu_count(void)
{
	u64 count = control_read(CONTROL_VCPUS);

	return count < CPU_MAX ? (u32)count : CPU_MAX;
}

u64 cpu_mpidr(u32 index)
{
	return index % CLUSTER_SIZE | (u64)(index / CLUSTER_SIZE) << 8;
}

s64 cpu_start(u32 index, void (*run)(u64 argument), u64 argument)
{
	struct cpu *cpu = cpu_at(index);
	s64 answer;

	__atomic_store_n(&cpu->running, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&cpu->run, run, __ATOMIC_RELEASE);
	/* The new vCPU reads these only once its MMU is on, but no sooner than now. */
	dsb();
	answer = smccc_call(PSCI_CPU_ON, cpu_mpidr(index), (u64)cpu_entry, argument);
	if (answer)
		__atomic_store_n(&cpu->running, 0, __ATOMIC_RELAXED);
	return answer;
}

void cpu_wait(u32 index)
{
	while (__atomic_load_n(&cpu_at(index)->running, __ATOMIC_ACQUIRE))
		cpu_relax();
	while (smccc_call(PSCI_AFFINITY_INFO, cpu_mpidr(index), 0, 0) != PSCI_AFFINITY_OFF)
		cpu_relax();
}

void cpu_run_all(void (*run)(u64 index))
{
	u32 count = cpu_count();

	for (u32 i = 1; i < count; i++) {
		if (cpu_start(i, run, i))
			tap_die("vCPU %u does not start", i);
	}
	run(0);
	for (u32 i = 1; i < count; i++)
		cpu_wait(i);
}

void barrier_wait(struct barrier *barrier)
{
	u32 round = __atomic_load_n(&barrier->round, __ATOMIC_ACQUIRE);

	if (__atomic_add_fetch(&barrier->arrived, 1, __ATOMIC_ACQ_REL) == barrier->members) {
		__atomic_store_n(&barrier->arrived, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&barrier->round, round + 1, __ATOMIC_RELEASE);
		return;
	}
	while (__atomic_load_n(&barrier->round, __ATOMIC_ACQUIRE) == round)
		cpu_relax();
}

void spin_lock(struct spinlock *lock)
{
	while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
}

void spin_unlock(struct spinlock *lock)
{
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}
