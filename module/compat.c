// SPDX-License-Identifier: GPL-2.0-only
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
