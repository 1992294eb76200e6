// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/kvm: docs/abi.md section 2.1, the rows of the system fd.
 */
#define pr_fmt(fmt) "tessera: " fmt

#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/printk.h>

#include "ioctl.h"
#include "tessera.h"

static long dev_api_version(void *self, void *arg, unsigned long raw)
{
	return raw ? -EINVAL : KVM_API_VERSION;
}

static long dev_create_vm(void *self, void *arg, unsigned long raw)
{
	return tsr_vm_create_fd(raw);
}

static long dev_check_extension(void *self, void *arg, unsigned long raw)
{
	return tsr_check_extension(NULL, raw);
}

static long dev_vcpu_mmap_size(void *self, void *arg, unsigned long raw)
{
	return raw ? -EINVAL : tsr_vcpu_mmap_size();
}

static const struct tsr_ioctl dev_ioctls[] = {
	TSR_SERVED(KVM_GET_API_VERSION, dev_api_version),
	TSR_SERVED(KVM_CREATE_VM, dev_create_vm),
	TSR_SERVED(KVM_CHECK_EXTENSION, dev_check_extension),
	TSR_SERVED(KVM_GET_VCPU_MMAP_SIZE, dev_vcpu_mmap_size),
};

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return tsr_ioctl_dispatch(dev_ioctls, ARRAY_SIZE(dev_ioctls), NULL, cmd, arg);
}

int tsr_open_no_compat(struct inode *inode, struct file *file)
{
	return is_compat_task() ? -ENODEV : 0;
}

long tsr_ioctl_no_compat(struct file *file, unsigned int cmd, unsigned long arg)
{
	return -EINVAL;
}

static const struct file_operations dev_fops = {
	.owner = THIS_MODULE,
	.open = tsr_open_no_compat,
	.unlocked_ioctl = dev_ioctl,
	.compat_ioctl = tsr_ioctl_no_compat,
	.llseek = noop_llseek,
};

static struct miscdevice dev_kvm = {
	.minor = KVM_MINOR,
	.name = "kvm",
	.fops = &dev_fops,
};

int tsr_dev_register(void)
{
	int err = misc_register(&dev_kvm);

	if (err == -EBUSY)
		pr_err("not loading: /dev/kvm is taken, KVM is active. Boot the kernel with "
		       "kvm-arm.mode=none\n");
	else if (err)
		pr_err("not loading: cannot register /dev/kvm: error %d\n", err);
	return err;
}

void tsr_dev_unregister(void)
{
	misc_deregister(&dev_kvm);
}
