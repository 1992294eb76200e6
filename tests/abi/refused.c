// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What mainline's header defines and tessera does not serve: docs/abi.md 2.1. Whatever
 * the argument is, the answer is ENOTTY, or the error that the row names.
 */
#include <errno.h>

#include "groups.h"
#include "rows.h"
#include "tap.h"

/* Zero and writable: a call that wrongly goes ahead finds memory to go on with. */
static char scratch[PAGE] __attribute__((aligned(16)));

#define ARG PTR(scratch)

static const struct row rows[] = {
	{ "VM: CREATE_IRQCHIP", 0, FD_VM, KVM_CREATE_IRQCHIP, 0, ENOTTY },
	{ "VM: IRQ_LINE", 0, FD_VM, KVM_IRQ_LINE, ARG, ENOTTY },
	{ "VM: IRQ_LINE_STATUS", 0, FD_VM, KVM_IRQ_LINE_STATUS, ARG, ENOTTY },
	{ "VM: GET_IRQCHIP", 0, FD_VM, KVM_GET_IRQCHIP, ARG, ENOTTY },
	{ "VM: SET_GSI_ROUTING", 0, FD_VM, KVM_SET_GSI_ROUTING, ARG, ENOTTY },
	{ "VM: IRQFD", 0, FD_VM, KVM_IRQFD, ARG, ENOTTY },
	{ "VM: IOEVENTFD", 0, FD_VM, KVM_IOEVENTFD, ARG, ENOTTY },
	{ "VM: SET_BOOT_CPU_ID", 0, FD_VM, KVM_SET_BOOT_CPU_ID, 0, ENOTTY },
	{ "VM: SET_CLOCK", 0, FD_VM, KVM_SET_CLOCK, ARG, ENOTTY },
	{ "VM: GET_CLOCK", 0, FD_VM, KVM_GET_CLOCK, ARG, ENOTTY },
	{ "VM: SIGNAL_MSI", 0, FD_VM, KVM_SIGNAL_MSI, ARG, ENOTTY },
	{ "VM: ARM_SET_DEVICE_ADDR", 0, FD_VM, KVM_ARM_SET_DEVICE_ADDR, ARG, ENOTTY },
	{ "VM: ARM_MTE_COPY_TAGS", 0, FD_VM, KVM_ARM_MTE_COPY_TAGS, ARG, ENOTTY },
	{ "VM: ARM_SET_COUNTER_OFFSET", 0, FD_VM, KVM_ARM_SET_COUNTER_OFFSET, ARG, ENOTTY },
	{ "VM: CREATE_GUEST_MEMFD", 0, FD_VM, KVM_CREATE_GUEST_MEMFD, ARG, ENOTTY },
	{ "VM: CREATE_DEVICE", 0, FD_VM, KVM_CREATE_DEVICE, ARG, ENODEV },
	{ "VM: SET_NR_MMU_PAGES", 0, FD_VM, KVM_SET_NR_MMU_PAGES, 1, ENOTTY },
	{ "VM: MEMORY_ENCRYPT_OP", 0, FD_VM, KVM_MEMORY_ENCRYPT_OP, ARG, ENOTTY },
	{ "VM: TSR_TAG_BATCH", 0, FD_VM, KVM_TSR_TAG_BATCH, ARG, ENOTTY },
	{ "vCPU: GET_REGS", 0, FD_VCPU, KVM_GET_REGS, ARG, ENOTTY },
	{ "vCPU: SET_REGS", 0, FD_VCPU, KVM_SET_REGS, ARG, ENOTTY },
	{ "vCPU: GET_SREGS", 0, FD_VCPU, KVM_GET_SREGS, ARG, ENOTTY },
	{ "vCPU: SET_SREGS", 0, FD_VCPU, KVM_SET_SREGS, ARG, ENOTTY },
	{ "vCPU: GET_FPU", 0, FD_VCPU, KVM_GET_FPU, ARG, ENOTTY },
	{ "vCPU: SET_FPU", 0, FD_VCPU, KVM_SET_FPU, ARG, ENOTTY },
	{ "vCPU: TRANSLATE", 0, FD_VCPU, KVM_TRANSLATE, ARG, ENOTTY },
	{ "vCPU: INTERRUPT", 0, FD_VCPU, KVM_INTERRUPT, ARG, ENOTTY },
	{ "vCPU: NMI", 0, FD_VCPU, KVM_NMI, 0, ENOTTY },
	{ "vCPU: IRQ_LINE", 0, FD_VCPU, KVM_IRQ_LINE, ARG, ENOTTY },
	{ "vCPU: ENABLE_CAP", 0, FD_VCPU, KVM_ENABLE_CAP, ARG, ENOTTY },
	{ "vCPU: ARM_VCPU_FINALIZE", 0, FD_VCPU, KVM_ARM_VCPU_FINALIZE, ARG, ENOTTY },
	{ "vCPU: PRE_FAULT_MEMORY", 0, FD_VCPU, KVM_PRE_FAULT_MEMORY, ARG, ENOTTY },
	{ "vCPU: KVMCLOCK_CTRL", 0, FD_VCPU, KVM_KVMCLOCK_CTRL, 0, ENOTTY },
};

/* KVM_CREATE_DEVICE of each type, and as a mere question. */
static void devices(struct machine *m)
{
	for (unsigned int type = 0; type <= KVM_DEV_TYPE_ARM_PV_TIME + 8; type++) {
		for (unsigned int flags = 0; flags <= KVM_CREATE_DEVICE_TEST; flags++) {
			struct kvm_create_device device = { .type = type, .flags = flags };

			tap_errno(call(m->vm, KVM_CREATE_DEVICE, PTR(&device)), ENODEV,
				  "VM: CREATE_DEVICE of type %u, flags %u", type, flags);
		}
	}
}

void test_refused(void)
{
	struct machine m;

	if (!env.tsr) {
		tap_skip("mainline serves some, and says EINVAL to others", "what is not served");
		return;
	}
	machine_open(&m, 0);
	rows_run(&m, rows, ROW_COUNT(rows));
	devices(&m);
	machine_close(&m);
}
