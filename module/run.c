// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN.
 *
 * Two loops. The outer one may sleep: signals, rescheduling, requests, traps that need
 * the host's memory. The inner one has interrupts off but for moments, and answers by
 * itself what only computes. A request or a signal that comes while the guest runs is
 * an interrupt on this CPU, and ends the inner loop.
 */
#include <linux/mm.h>
#include <linux/panic.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/vtime.h>
#include <asm/daifflags.h>

#include "arm.h"
#include "compat.h"
#include "psci.h"
#include "pvtime.h"
#include "world.h"

/* Why the inner loop ended. */
enum inner_end {
	INNER_WORK, /* something waits for the outer loop */
	INNER_TRAP,
	INNER_SERROR,
	INNER_AARCH32, /* the guest left for a state that it does not have */
};

/* The vCPU's end of PSCI CPU_ON. Not loaded. */
static void reset_registers(struct tsr_vcpu *v, const struct tsr_reset *reset)
{
	tsr_vcpu_reset(v);
	v->ctx.pc = reset->pc;
	v->ctx.x[0] = reset->x0;
	if (reset->big_endian)
		v->reg[VREG_SCTLR] |= SCTLR_EE;
}

static struct tsr_reset reset_asked(struct tsr_vcpu *v)
{
	struct tsr_reset reset;

	spin_lock(&v->power_lock);
	reset = v->reset;
	spin_unlock(&v->power_lock);
	return reset;
}

/* The same from KVM_RUN, where it is loaded. */
static void apply_reset(struct tsr_vcpu *v)
{
	struct tsr_reset reset = reset_asked(v);

	preempt_disable();
	tsr_world_put(v);
	reset_registers(v, &reset);
	tsr_world_load(v);
	preempt_enable();
}

static bool powered_on(const struct tsr_vcpu *v)
{
	return READ_ONCE(v->mp_state) == KVM_MP_STATE_RUNNABLE;
}

/* True: there was a reset to apply, and now it is the caller's to do. */
static bool take_reset(struct tsr_vcpu *v)
{
	bool on = powered_on(v);

	/* Pairs with psci_cpu_on(). */
	smp_rmb();
	return on && test_and_clear_bit(TSR_REQUEST_RESET, &v->requests);
}

void tsr_vcpu_settle(struct tsr_vcpu *v)
{
	struct tsr_reset reset;

	if (!take_reset(v))
		return;
	reset = reset_asked(v);
	reset_registers(v, &reset);
}

/* Off: sleeps until it is turned on, or a signal comes and the request stays. */
static void wait_for_power(struct tsr_vcpu *v)
{
	if (wait_event_interruptible(v->wait, powered_on(v)))
		set_bit(TSR_REQUEST_POWER, &v->requests);
}

/*
 * Suspended: as in WFI, and so until the VMM sets another state (api.rst 4.39). False: there
 * is something to wake up for, which the VMM is told.
 */
static bool wait_suspended(struct tsr_vcpu *v)
{
	bool due;

	tsr_wait_for_interrupt(v);
	due = tsr_interrupt_due(v);
	set_bit(TSR_REQUEST_POWER, &v->requests);
	if (due)
		tsr_exit_system(v, KVM_SYSTEM_EVENT_WAKEUP, 0);
	return !due;
}

/*
 * With the V registers given back. Power first: what turned it on left a reset. False:
 * KVM_RUN ends with run_error.
 */
static bool handle_requests(struct tsr_vcpu *v)
{
	clear_bit(TSR_REQUEST_KICK, &v->requests);
	if (test_and_clear_bit(TSR_REQUEST_POWER, &v->requests)) {
		if (READ_ONCE(v->mp_state) == KVM_MP_STATE_SUSPENDED)
			return wait_suspended(v);
		wait_for_power(v);
	}
	if (take_reset(v))
		apply_reset(v);
	if (test_and_clear_bit(TSR_REQUEST_RING, &v->requests) &&
	    tsr_dirty_ring_full(&v->dirty_ring)) {
		set_bit(TSR_REQUEST_RING, &v->requests);
		v->run->exit_reason = KVM_EXIT_DIRTY_RING_FULL;
		return false;
	}
	/* After the ring: it may take an entry. */
	if (test_and_clear_bit(TSR_REQUEST_STEAL, &v->requests))
		tsr_pvtime_update(v);
	return true;
}

static bool has_work(const struct tsr_vcpu *v)
{
	return READ_ONCE(v->requests) || xfer_to_guest_mode_work_pending();
}

/*
 * The outer loop's turn before the guest. True: go on; else KVM_RUN ends with run_error.
 */
static bool prepare(struct tsr_vcpu *v)
{
	int err = 0;

	while (READ_ONCE(v->requests) || __xfer_to_guest_mode_work_pending()) {
		tsr_fp_release(v);
		err = tsr_xfer_to_guest_mode_handle_work();
		if (err) {
			v->stats.signal_exits++;
			v->run->exit_reason = KVM_EXIT_INTR;
			v->run_error = err;
			return false;
		}
		if (READ_ONCE(v->requests) && !handle_requests(v))
			return false;
	}
	return true;
}

/*
 * A host interrupt ended the guest: it is taken here, on the guest's time, and the CPU
 * has been somewhere RCU need not wait for.
 */
static void take_interrupt(void)
{
	vtime_account_guest_enter();
	local_daif_restore(DAIF_PROCCTX);
	isb();
	local_daif_mask();
	vtime_account_guest_exit();
	rcu_virt_note_context_switch();
}

static enum inner_end inner_loop(struct tsr_vcpu *v)
{
	unsigned long why;

	for (;;) {
		if (has_work(v))
			return INNER_WORK;
		why = tsr_world_enter(v);
		v->stats.exits++;
		if (unlikely(v->ctx.pstate & PSR_MODE32_BIT))
			return INNER_AARCH32;
		switch (why) {
		case TSR_EXIT_IRQ:
			take_interrupt();
			break;
		case TSR_EXIT_SERROR:
			return INNER_SERROR;
		default:
			if (tsr_ec(v) != ESR_ELx_EC_HVC64 || !tsr_smccc_fast(v))
				return INNER_TRAP;
		}
	}
}

/*
 * in_guest pairs with tsr_vcpu_request(): it sets the request, then looks at in_guest;
 * here in_guest is set, then the requests are looked at.
 */
static enum inner_end run_guest(struct tsr_vcpu *v)
{
	enum inner_end end;

	local_daif_mask();
	smp_store_mb(v->in_guest, true);
	end = inner_loop(v);
	WRITE_ONCE(v->in_guest, false);
	local_daif_restore(DAIF_PROCCTX);
	return end;
}

/* As KVM: the state is not one that can be run from, until the next KVM_ARM_VCPU_INIT. */
static enum tsr_next end_aarch32(struct tsr_vcpu *v)
{
	v->initialised = false;
	v->run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	v->run->fail_entry.hardware_entry_failure_reason = 0;
	v->run->fail_entry.cpu = raw_smp_processor_id();
	v->run_error = 0;
	return TSR_NEXT_USER;
}

/*
 * As KVM (Arm ARM D24.2.40, SError): corrected and restartable errors are nobody's; what the
 * guest alone has lost it is told; what nothing contains stops the host.
 */
static enum tsr_next handle_serror(struct tsr_vcpu *v)
{
	u64 esr = v->syndrome.esr;
	bool categorised = (esr & ESR_ELx_FSC) == ESR_ELx_FSC_SERROR;

	if (tsr_world.ras && !(esr & ESR_ELx_IDS)) {
		switch (categorised ? esr & ESR_ELx_AET : ESR_ELx_AET_UC) {
		case ESR_ELx_AET_CE:
		case ESR_ELx_AET_UEO:
			return TSR_NEXT_GUEST;
		case ESR_ELx_AET_UEU:
		case ESR_ELx_AET_UER:
			break;
		default:
			panic("tessera: uncontained SError while a guest ran: ESR %#llx\n", esr);
		}
	}
	pr_warn_ratelimited("tessera: SError while a guest ran, given to the guest\n");
	tsr_inject_serror(v, TSR_SERROR_UNKNOWN);
	return TSR_NEXT_GUEST;
}

static enum tsr_next handle_end(struct tsr_vcpu *v, enum inner_end end)
{
	switch (end) {
	case INNER_WORK:
		return TSR_NEXT_GUEST;
	case INNER_TRAP:
		return tsr_trap(v);
	case INNER_SERROR:
		return handle_serror(v);
	case INNER_AARCH32:
		return end_aarch32(v);
	}
	return tsr_exit_error(v, -EFAULT);
}

static void run_loaded(struct tsr_vcpu *v)
{
	while (prepare(v) && handle_end(v, run_guest(v)) == TSR_NEXT_GUEST)
		;
	tsr_fp_release(v);
}

static void vcpu_load(struct tsr_vcpu *v)
{
	preempt_disable();
	preempt_notifier_register(&v->notifier);
	tsr_world_load(v);
	preempt_enable();
}

static void vcpu_put(struct tsr_vcpu *v)
{
	preempt_disable();
	tsr_world_put(v);
	preempt_notifier_unregister(&v->notifier);
	preempt_enable();
}

static void sigset_swap(struct tsr_vcpu *v)
{
	if (v->sigset_active)
		sigprocmask(SIG_SETMASK, &v->sigset, &current->real_blocked);
}

static void sigset_swap_back(struct tsr_vcpu *v)
{
	if (!v->sigset_active)
		return;
	sigprocmask(SIG_SETMASK, &current->real_blocked, NULL);
	sigemptyset(&current->real_blocked);
}

/* Whoever changes what guests see has done so, or finds that it is settled. */
static void settle_vm(struct tsr_vm *vm)
{
	/* Pairs with the release: what was settled is seen. */
	if (smp_load_acquire(&vm->cpu.ran))
		return;
	mutex_lock(&vm->lock);
	smp_store_release(&vm->cpu.ran, true);
	mutex_unlock(&vm->lock);
}

static void run_until_exit(struct tsr_vcpu *v)
{
	settle_vm(v->vm);
	sigset_swap(v);
	v->run->exit_reason = KVM_EXIT_UNKNOWN;
	v->run->flags = 0;
	v->run_error = 0;
	WRITE_ONCE(v->task, current);
	if (tsr_pvtime_on(v))
		set_bit(TSR_REQUEST_STEAL, &v->requests);
	vcpu_load(v);
	run_loaded(v);
	vcpu_put(v);
	WRITE_ONCE(v->task, NULL);
	sigset_swap_back(v);
	tsr_rseq_exit();
}

long tsr_vcpu_run(struct tsr_vcpu *v)
{
	if (!v->initialised)
		return -ENOEXEC;
	/* An access that is completed is a step, too. */
	tsr_debug_run_begin(v);
	if (v->mmio.pending)
		tsr_mmio_complete(v);
	if (READ_ONCE(v->run->immediate_exit__unsafe))
		v->run_error = -EINTR;
	else
		run_until_exit(v);
	tsr_debug_run_end(v);
	return v->run_error;
}
