// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bug.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/ioctl.h>

#include "ioctl.h"

static const struct tsr_ioctl *ioctl_find(const struct tsr_ioctl *table, size_t count,
					  unsigned int cmd)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (table[i].cmd == cmd)
			return &table[i];
	return NULL;
}

static bool ioctl_writes(const struct tsr_ioctl *entry)
{
	return (_IOC_DIR(entry->cmd) & _IOC_READ) && !entry->reads;
}

static long ioctl_serve(const struct tsr_ioctl *entry, void *self, unsigned long raw)
{
	u8 arg[TSR_IOCTL_ARG_MAX] __aligned(8);
	void __user *user = (void __user *)raw;
	size_t size = _IOC_SIZE(entry->cmd);
	long ret;

	if (WARN_ON_ONCE(size > sizeof(arg)))
		return -EINVAL;
	memset(arg, 0, size);
	if ((_IOC_DIR(entry->cmd) & _IOC_WRITE) && copy_from_user(arg, user, size))
		return -EFAULT;
	if (!entry->call)
		return entry->refusal;
	ret = entry->call(self, size ? arg : NULL, raw);
	if (ret >= 0 && ioctl_writes(entry) && copy_to_user(user, arg, size))
		return -EFAULT;
	return ret;
}

long tsr_ioctl_dispatch(const struct tsr_ioctl *table, size_t count, void *self, unsigned int cmd,
			unsigned long raw)
{
	const struct tsr_ioctl *entry = ioctl_find(table, count, cmd);

	return entry ? ioctl_serve(entry, self, raw) : -ENOTTY;
}
