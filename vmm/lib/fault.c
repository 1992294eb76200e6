/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <inttypes.h>

#include "tessera/fault.h"

const char *tsr_fault_need(const struct tsr_fault *fault)
{
	if (fault->poisoned)
		return "memory that has failed in hardware";
	if (fault->flags & TSR_FAULT_TAG)
		return "allocation tags";
	if (fault->flags & TSR_FAULT_PRIVATE)
		return "private memory";
	if (fault->flags & TSR_FAULT_EXEC)
		return "to execute";
	if (fault->flags & TSR_FAULT_WRITE)
		return "to write";
	if (fault->flags & TSR_FAULT_READ)
		return "to read";
	return "something this VMM does not know";
}

enum tsr_verdict tsr_fault_stop(void *opaque, struct tsr_vcpu *vcpu, const struct tsr_fault *fault,
				struct tsr_why *why)
{
	const struct tsr_ram_region *region = tsr_ram_find(opaque, fault->gpa);
	const char *backing = region ? tsr_ram_kind_name(region->kind) : "no memory of the guest";
	const char *path = region && region->path[0] ? region->path : "";
	const char *advice = "";

	if (fault->flags & TSR_FAULT_TAG)
		advice = " Such memory cannot hold tags: let it be promoted (a shared file must "
			 "be declared exclusive first), or have the fault injected.";
	else if (path[0])
		advice = " Its file may have been truncated while the guest ran.";
	tsr_because(why, -EFAULT,
		    "The guest needed %s at 0x%" PRIx64 ", which is backed by %s%s%s, and no "
		    "policy of this VM supplies that (flags 0x%" PRIx64 ").%s",
		    tsr_fault_need(fault), fault->gpa, backing, path[0] ? " " : "", path,
		    fault->flags, advice);
	return TSR_STOP;
}

enum tsr_verdict tsr_fault_dispatch(const struct tsr_handler *handlers, size_t count,
				    struct tsr_vcpu *vcpu, const struct tsr_fault *fault,
				    struct tsr_why *why)
{
	for (size_t i = 0; i < count; i++) {
		enum tsr_verdict verdict = handlers[i].handle(handlers[i].opaque, vcpu, fault, why);

		if (verdict != TSR_NOT_MINE)
			return verdict;
	}
	tsr_because(why, -EFAULT,
		    "The guest needed %s at 0x%" PRIx64 " and no policy of this VM supplies that.",
		    tsr_fault_need(fault), fault->gpa);
	return TSR_STOP;
}
