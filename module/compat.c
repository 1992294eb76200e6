// SPDX-License-Identifier: GPL-2.0-only
#include <linux/clocksource_ids.h>
#include <linux/timekeeping.h>

#include "compat.h"

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)

#include <linux/entry-kvm.h>
#include <linux/kvm_host.h>

/*
 * These kernels note a signal in KVM's own structure, which they only write to: its
 * exit reason and a counter. One for all serves, since nobody reads it.
 */
static struct kvm_run unread_run;
static struct kvm_vcpu unread_vcpu = { .run = &unread_run };

int tsr_xfer_to_guest_mode_handle_work(void)
{
	return xfer_to_guest_mode_handle_work(&unread_vcpu);
}

#else

#include <linux/entry-virt.h>

int tsr_xfer_to_guest_mode_handle_work(void)
{
	return xfer_to_guest_mode_handle_work();
}

#endif

bool tsr_clock_snapshot(u64 *ns, u64 *cycles)
{
	struct system_time_snapshot now;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 2, 0)
	ktime_get_snapshot_id(CLOCK_REALTIME, &now);
	*ns = now.systime;
#else
	ktime_get_snapshot(&now);
	*ns = now.real;
#endif
	*cycles = now.cycles;
	return now.cs_id == CSID_ARM_ARCH_COUNTER;
}
