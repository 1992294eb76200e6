// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <asm/pvclock-abi.h>

#include "pvtime.h"

#define PVTIME_ALIGN 64

/* How long this thread has waited for a CPU, ever; ns. */
static u64 waited(void)
{
	return READ_ONCE(current->sched_info.run_delay);
}

static struct pvclock_vcpu_stolen_time __user *place(struct tsr_vcpu *v)
{
	struct hva hva;

	if (!tsr_pvtime_on(v) || !vm_gpa_hva(&v->vm->mem, gpa_of(v->pvtime.ipa), true, &hva))
		return NULL;
	return (void __user *)hva.addr;
}

/* The guest's own memory has changed, which may be logged. */
static void written(struct tsr_vcpu *v)
{
	struct vm_dirty_page page;

	vm_dirty_written(&v->vm->mem, gpa_of(v->pvtime.ipa), &page);
	tsr_dirty_ring_push(v, &page);
}

/* What is lost if the host or the VMM has taken the memory away is an account of time. */
void tsr_pvtime_update(struct tsr_vcpu *v)
{
	struct pvclock_vcpu_stolen_time __user *user = place(v);
	u64 now = waited(), before = v->pvtime.waited;
	__le64 stolen;

	/* Each thread has an account of its own. */
	if (v->pvtime.thread != current)
		before = now;
	v->pvtime.thread = current;
	v->pvtime.waited = now;
	if (!user || get_user(stolen, &user->stolen_time))
		return;
	put_user(cpu_to_le64(le64_to_cpu(stolen) + now - before), &user->stolen_time);
	written(v);
}

u64 tsr_pvtime_start(struct tsr_vcpu *v)
{
	struct pvclock_vcpu_stolen_time __user *user = place(v);

	v->pvtime.thread = current;
	v->pvtime.waited = waited();
	/* The same of memory that is not there now. */
	if (user && !clear_user(user, sizeof(*user)))
		written(v);
	return v->pvtime.ipa;
}

int tsr_pvtime_set(struct tsr_vcpu *v, void __user *user)
{
	struct hva hva;
	u64 ipa;

	if (get_user(ipa, (u64 __user *)user))
		return -EFAULT;
	if (!IS_ALIGNED(ipa, PVTIME_ALIGN))
		return -EINVAL;
	if (tsr_pvtime_on(v))
		return -EEXIST;
	if (!vm_gpa_hva(&v->vm->mem, gpa_of(ipa), true, &hva))
		return -EINVAL;
	v->pvtime.ipa = ipa;
	return 0;
}

int tsr_pvtime_get(struct tsr_vcpu *v, void __user *user)
{
	return put_user(v->pvtime.ipa, (u64 __user *)user) ? -EFAULT : 0;
}
