// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading. Nothing of the machine is touched until a VM runs, so
 * that a refusal leaves the host as it was.
 */
#define pr_fmt(fmt) "tessera: " fmt

#include <linux/module.h>
#include <linux/printk.h>

#include "tessera.h"
#include "window.h"

static int __init tessera_init(void)
{
	int err = tsr_host_init();

	if (err)
		return err;
	err = tsr_cpu_init();
	if (err)
		goto exit_host;
	err = tsr_dev_register();
	if (err)
		goto exit_cpu;
	pr_info("serving /dev/kvm: IPA %u bits, VMID %u bits, MTE %u, MTEPERM %u, FWB %u, DIC %u\n",
		tsr_host.ipa_bits, tsr_vmid_bits(), tsr_host.mte, tsr_host.mte_perm, tsr_host.fwb,
		tsr_host.dic);
	return 0;

exit_cpu:
	tsr_cpu_exit();
exit_host:
	tsr_host_exit();
	return err;
}

/* No file of ours is open: each holds the module. */
static void __exit tessera_exit(void)
{
	tsr_dev_unregister();
	tsr_windows_exit();
	tsr_cpu_exit();
	tsr_host_exit();
}

module_init(tessera_init);
module_exit(tessera_exit);
MODULE_DESCRIPTION("A KVM-compatible hypervisor whose guest memory is complete");
MODULE_LICENSE("GPL");
